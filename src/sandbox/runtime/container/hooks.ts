import type { V1LifecycleHandler } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import { httpCheck } from '../probes/http.ts'
import { portNumber } from '../probes/port.ts'
import { execInInstance } from './exec-capture.ts'
import type { Instance } from './record.ts'

/** A hook has no time-out of its own; a kubelet's HTTP client gives up after this. */
const HTTP_TIMEOUT_MS = 30_000

/** Runs a postStart or preStop hook to its end. @throws Error with what went wrong. */
export async function runHook(
  hook: V1LifecycleHandler,
  instance: Instance,
  podIP: string,
  clock: Clock,
): Promise<void> {
  if (hook.exec) {
    const { code, output } = await execInInstance(instance, hook.exec.command ?? [])
    if (code !== 0)
      throw new Error(`command '${hook.exec.command?.join(' ')}' exited with ${code}: ${output}`)
  } else if (hook.httpGet) {
    const port = portNumber(hook.httpGet.port, instance.spec)
    const result = await httpCheck(hook.httpGet, port, podIP, HTTP_TIMEOUT_MS)
    if (!result.ok) throw new Error(result.output)
  } else if (hook.sleep) {
    const gone = new AbortController()
    void instance.process.exited.then(() => gone.abort())
    await clock.sleep(hook.sleep.seconds * 1000, gone.signal).catch(() => {})
  }
}
