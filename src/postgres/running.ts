import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Connection string of the embedded server that runs in this data directory now, started by another process;
 * undefined when none does. Reads postmaster.pid: line 1 the pid, line 4 the port.
 */
export function runningPostgres(dataDir: string): string | undefined {
  const lock = path.join(dataDir, 'postmaster.pid')
  if (!existsSync(lock)) return undefined
  const [pid, , , port] = readFileSync(lock, 'utf8').split('\n')
  if (!isAlive(Number(pid)) || !/^\d+$/.test(port ?? '')) return undefined
  return `postgres://isthmus@127.0.0.1:${port}/postgres`
}

/** EPERM: it lives, as another user. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
