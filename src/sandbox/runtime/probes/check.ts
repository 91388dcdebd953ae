import type { V1Probe } from '@kubernetes/client-node'
import { execInInstance } from '../container/exec-capture.ts'
import type { Instance } from '../container/record.ts'
import { grpcCheck } from './grpc.ts'
import { type CheckResult, httpCheck } from './http.ts'
import { portNumber } from './port.ts'
import { tcpCheck } from './tcp.ts'

/** core/v1 default of `timeoutSeconds`. */
const DEFAULT_TIMEOUT_SECONDS = 1

/** Runs a probe once. Never throws: what can not be asked has failed. */
export async function checkOnce(probe: V1Probe, instance: Instance, podIP: string): Promise<CheckResult> {
  const timeoutMs = (probe.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000
  try {
    if (probe.exec) {
      const command = probe.exec.command ?? []
      const { code, output } = await execInInstance(instance, command, AbortSignal.timeout(timeoutMs))
      return { ok: code === 0, output }
    }
    if (probe.httpGet) {
      return await httpCheck(probe.httpGet, portNumber(probe.httpGet.port, instance.spec), podIP, timeoutMs)
    }
    if (probe.tcpSocket) {
      const port = portNumber(probe.tcpSocket.port, instance.spec)
      return await tcpCheck(probe.tcpSocket.host || podIP, port, timeoutMs)
    }
    if (probe.grpc) return await grpcCheck(podIP, probe.grpc.port, probe.grpc.service ?? '', timeoutMs)
    return { ok: false, output: 'the probe has no handler' }
  } catch (error) {
    const { name, message } = error as Error
    return {
      ok: false,
      output: name === 'TimeoutError' ? `command timed out after ${timeoutMs} ms` : message,
    }
  }
}
