import { PassThrough, Writable } from 'node:stream'
import type { V1Container } from '@kubernetes/client-node'
import { acceptRemoteCommand, pumpRemoteCommand } from '../../../protocol/streams/index.ts'
import type { PodUpgradeRequest } from '../../ports.ts'
import type { Instance } from '../container/record.ts'
import { processLeg } from './process-leg.ts'

/** A client's stdin on its way to a container's: the end of the one is the end of the other only with `stdinOnce`. */
function sharedStdin(instance: Instance): Writable | null {
  const target = instance.process.stdin
  if (!target) return null
  const { stdinOnce } = instance.spec as V1Container
  const close = () => {
    if (stdinOnce) target.end()
  }
  return new Writable({
    write(chunk: Buffer, _encoding, callback) {
      // a container that does not read sets the pace; one that has ended takes nothing
      if (target.writable) target.write(chunk, () => callback())
      else callback()
    },
    final(callback) {
      close()
      callback()
    },
    destroy(error, callback) {
      close()
      callback(error)
    },
  })
}

/** Joins a client to a container's own streams, from now until either ends. @throws StreamError as acceptRemoteCommand does. */
export async function serveAttach(request: PodUpgradeRequest, instance: Instance): Promise<void> {
  const { request: req, socket, head, stdin, stdout, stderr } = request
  const tty = instance.spec.tty ?? false
  const client = await acceptRemoteCommand({ req, socket, head, streams: { stdin, stdout, stderr, tty } })
  const out = stdout ? new PassThrough() : null
  const err = stderr && !tty ? new PassThrough() : null
  const remove = [out && instance.stdout.add(out), err && instance.stderr?.add(err)]
  const input = stdin ? sharedStdin(instance) : null
  const leave = () => {
    for (const each of remove) each?.()
    input?.destroy()
    out?.destroy()
    err?.destroy()
  }
  const { resize } = instance.process
  const exited = instance.process.exited.then(() => ({ code: 0 }))
  await pumpRemoteCommand(
    client,
    processLeg({ stdin: input, stdout: out, stderr: err, resize, exited, onAbort: leave }),
  )
  leave()
}
