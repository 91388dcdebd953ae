import { Readable, Writable } from 'node:stream'
import { killGroup } from './group.ts'
import type { Reaper } from './reaper.ts'
import type { ExitState, PodProcess, SpawnInput } from './types.ts'

/** End of transmission: what a terminal sends for Ctrl-D. */
const EOT = '\u0004'

/**
 * A process on a pseudo-terminal. The native package is loaded with the first one, so that a sandbox without tty
 * starts without it.
 */
export async function spawnTty(input: SpawnInput, reaper: Reaper): Promise<PodProcess> {
  const { spawn } = await import('@lydell/node-pty')
  const terminal = spawn(input.file, input.argv.slice(1) as string[], {
    name: 'xterm',
    cwd: input.cwd,
    env: { TERM: 'xterm', ...input.env },
    encoding: null,
    cols: 80,
    rows: 24,
  })
  const { pid } = terminal
  reaper.add(pid)
  let over = false

  const stdout = new Readable({
    read: () => terminal.resume(),
    destroy: (error, callback) => {
      // nobody reads any more: what it still writes is dropped, as with a closed pipe
      terminal.resume()
      callback(error)
    },
  })
  terminal.onData((data) => {
    if (!stdout.destroyed && !stdout.push(data as unknown as Buffer)) terminal.pause()
  })
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      // the terminal takes bytes, though its type names text
      if (!over) terminal.write(chunk as unknown as string)
      callback()
    },
    final(callback) {
      if (!over) terminal.write(EOT)
      callback()
    },
  })

  const exited = new Promise<ExitState>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => {
      over = true
      killGroup(pid, 'SIGKILL')
      reaper.remove(pid)
      stdout.push(null)
      resolve({ code: signal ? 128 + signal : exitCode })
    })
  })

  return {
    pid,
    stdin: input.stdin ? stdin : null,
    stdout,
    stderr: null,
    exited,
    kill: (signal) => {
      if (!over) killGroup(pid, signal)
    },
    resize: ({ width, height }) => {
      if (!over && width > 0 && height > 0) terminal.resize(width, height)
    },
  }
}
