import { findExecutable } from '../env/command.ts'
import type { PodProcess } from '../process/types.ts'
import type { Instance } from './record.ts'

/**
 * Starts a command in a running container: its directory, its environment; it ends with the container.
 * @throws Error when the container has ended, or the command can not be started.
 */
export async function spawnIn(
  instance: Instance,
  command: readonly string[],
  options: { stdin: boolean; tty: boolean },
): Promise<PodProcess> {
  if (instance.terminated) throw new Error('cannot exec in a stopped container')
  const file = findExecutable(command[0] ?? '', instance.env['PATH'] ?? '', instance.cwd)
  const process = await instance.spawn({
    file,
    argv: command,
    cwd: instance.cwd,
    env: instance.env,
    ...options,
  })
  instance.execs.add(process)
  void process.exited.then(() => instance.execs.delete(process))
  if (instance.terminated) process.kill('SIGKILL')
  return process
}
