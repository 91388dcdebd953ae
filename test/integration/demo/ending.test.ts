import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../support/eventually.ts'
import t, { type Test } from '../../support/tap.ts'

const MAIN = fileURLToPath(new URL('../../../src/demo/main.ts', import.meta.url))
const WAIT_MS = 60_000

/** The demo with a folder of its own for temporary files, by which everything that it starts is known. */
function startDemo(t: Test, ...nodeArgs: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-ending-'))
  chmodSync(folder, 0o711)
  const env = { ...process.env, TMPDIR: folder, NODE_OPTIONS: '' }
  const demo = spawn(process.execPath, [...nodeArgs, MAIN, '--json'], { env, stdio: 'ignore' })
  t.teardown(() => {
    demo.kill('SIGKILL')
    for (const pid of withinFolder(folder)) process.kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return { demo, folder }
}

/** Processes whose command line names the folder: gateway, sandboxes, Postgres. */
function withinFolder(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
      } catch {
        return false // it has ended meanwhile
      }
    })
    .map(Number)
}

async function endOf(demo: ChildProcess): Promise<number | null> {
  if (demo.exitCode === null && demo.signalCode === null) await once(demo, 'exit')
  return demo.exitCode
}

t.test('Ctrl-C while everything starts leaves no process and no file behind', async (t) => {
  const { demo, folder } = startDemo(t)
  await eventually('the three have been started', () => withinFolder(folder).length >= 3, WAIT_MS)
  demo.kill('SIGINT')
  t.equal(await endOf(demo), 130)
  await eventually('nothing runs', () => withinFolder(folder).length === 0, WAIT_MS)
  t.same(readdirSync(folder), [])
})

t.test('an exception that nobody caught ends the demo and all that it started', async (t) => {
  const crash = "setTimeout(() => { throw new Error('boom') }, 1500)"
  const { demo, folder } = startDemo(t, '--import', `data:text/javascript,${encodeURIComponent(crash)}`)
  t.equal(await endOf(demo), 1)
  await eventually('nothing runs', () => withinFolder(folder).length === 0, WAIT_MS)
  t.same(readdirSync(folder), [])
})
