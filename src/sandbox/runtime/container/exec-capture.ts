import type { Instance } from './record.ts'
import { spawnIn } from './spawn-in.ts'

/** What is kept of a hook's or probe's output; a kubelet keeps 10 KiB of a probe's. */
const OUTPUT_LIMIT = 10 * 1024

/**
 * Runs a command in a container to its end, for hooks and probes.
 * @throws Error when it can not be started, or when `signal` ended it.
 */
export async function execInInstance(
  instance: Instance,
  command: readonly string[],
  signal?: AbortSignal,
): Promise<{ code: number; output: string }> {
  const process = await spawnIn(instance, command, { stdin: false, tty: false })
  const kill = () => process.kill('SIGKILL')
  signal?.addEventListener('abort', kill)
  if (signal?.aborted) kill()
  let output = ''
  for (const stream of [process.stdout, process.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(0, OUTPUT_LIMIT)
    })
    stream.on('error', () => {})
  }
  const { code } = await process.exited
  signal?.removeEventListener('abort', kill)
  signal?.throwIfAborted()
  return { code, output }
}
