import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { killGroup } from './group.ts'
import type { Reaper } from './reaper.ts'
import type { ExitState, PodProcess, SpawnInput } from './types.ts'

/**
 * How long output may still come after the process has ended: whoever left its group (setsid) may hold the pipe for
 * ever.
 */
const DRAIN_MS = 1_000

/** A process on pipes. */
export async function spawnPlain(input: SpawnInput, reaper: Reaper): Promise<PodProcess> {
  const child = spawn(input.file, input.argv.slice(1), {
    argv0: input.argv[0],
    cwd: input.cwd,
    env: input.env,
    detached: true,
    stdio: [input.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  const pid = child.pid!
  // pipes, as asked for above
  const stdout = child.stdout!
  const stderr = child.stderr!
  reaper.add(pid)
  let over = false
  // a process that does not read its stdin to the end is no error of ours
  child.stdin?.on('error', () => {})

  const exited = new Promise<ExitState>((resolve) => {
    let state: ExitState = { code: 0 }
    let timer: NodeJS.Timeout | undefined
    child.once('exit', (code, signal) => {
      state = { code: code ?? 128 + (signal ? constants.signals[signal] : 0) }
      // the first process of a container takes the others with it, as the end of a PID namespace does
      killGroup(pid, 'SIGKILL')
      over = true
      reaper.remove(pid)
      timer = setTimeout(() => {
        stdout.destroy()
        stderr.destroy()
      }, DRAIN_MS)
    })
    child.once('close', () => {
      clearTimeout(timer)
      resolve(state)
    })
  })

  return {
    pid,
    stdin: child.stdin,
    stdout,
    stderr,
    exited,
    kill: (signal) => {
      if (!over) killGroup(pid, signal)
    },
    resize: () => {},
  }
}
