import { acceptRemoteCommand, failureStatus, pumpRemoteCommand } from '../../../protocol/streams/index.ts'
import type { PodUpgradeRequest } from '../../ports.ts'
import type { Instance } from '../container/record.ts'
import { spawnIn } from '../container/spawn-in.ts'
import { processLeg } from './process-leg.ts'

/** Runs a command in a container for a client, until it ends or the client leaves. @throws StreamError as acceptRemoteCommand does. */
export async function serveExec(request: PodUpgradeRequest, instance: Instance): Promise<void> {
  const { request: req, socket, head, command, stdin, stdout, stderr, tty } = request
  const client = await acceptRemoteCommand({ req, socket, head, streams: { stdin, stdout, stderr, tty } })
  try {
    const process = await spawnIn(instance, command, { stdin, tty })
    const leg = processLeg({ ...process, onAbort: () => process.kill('SIGKILL') })
    await pumpRemoteCommand(client, leg)
  } catch (error) {
    // a kubelet's words around those of its runtime
    const text = `error executing command in container: failed to exec in container: ${(error as Error).message}`
    await client.finish(failureStatus(`Internal error occurred: ${text}`))
  }
}
