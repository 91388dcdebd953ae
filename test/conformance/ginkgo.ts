import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { requireCommand } from '../kubernetes/harness/requirements.ts'
import type { SuiteBinaries } from './build.ts'
import { type Outcomes, outcomesOf } from './report.ts'

export interface SuiteRun {
  binaries: Pick<SuiteBinaries, 'e2e' | 'ginkgo'>
  /** Administrator's kubeconfig of the cluster that is judged. */
  kubeconfig: string
  /** Folder for the reports and the whole output. */
  dir: string
  /** Regular expressions; a test runs when one of them matches its name. Every sig-node test when empty. */
  focus: readonly string[]
  /** Tests at once. */
  processes: number
  /** How often a test may be tried before it has failed. */
  attempts: number
  /** Gets a line whenever a test has ended. */
  onProgress(line: string): void
  signal: AbortSignal
}

/** What upstream calls the tests that each conformant node has to pass. */
const LABELS = 'Conformance'
const EVERY_NODE_TEST = '\\[sig-node\\]'
const TIMEOUT = '90m'

/**
 * Runs upstream's suite by ginkgo's command line, as upstream does. Leaves `junit.xml`, `report.json` and
 * `output.log` in the folder. A failed test is a result, not an error.
 * @throws when there is no report: the suite could not start, or was ended by the signal
 */
export async function runSuite(run: SuiteRun): Promise<Outcomes> {
  mkdirSync(run.dir, { recursive: true })
  const focus = run.focus.length > 0 ? run.focus : [EVERY_NODE_TEST]
  const args = [
    ...[
      `--procs=${run.processes}`,
      `--label-filter=${LABELS}`,
      `--timeout=${TIMEOUT}`,
      `--flake-attempts=${run.attempts}`,
      '--no-color',
      '-v',
    ],
    // A test that is chosen by a word must be a node's all the same.
    ...focus.map((text) => `--focus=${text.includes('sig-node') ? text : `sig-node.*${text}`}`),
    ...[`--output-dir=${run.dir}`, '--json-report=report.json', '--junit-report=junit.xml'],
    run.binaries.e2e,
    '--',
    ...[`--kubeconfig=${run.kubeconfig}`, '--provider=local', '--num-nodes=1'],
    ...['--dump-logs-on-failure=true', '--delete-namespace=true', '--disable-log-dump=true'],
  ]
  const log = createWriteStream(join(run.dir, 'output.log'))
  // Told to end when its parent dies in whatever way: it deletes the suite's namespaces first.
  const bound = ['--pdeathsig', 'TERM', run.binaries.ginkgo, ...args]
  const child = spawn(requireCommand('setpriv'), bound, {
    cwd: run.dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, KUBECONFIG: run.kubeconfig },
  })
  const stop = () => child.kill('SIGTERM')
  run.signal.addEventListener('abort', stop)
  child.stderr.pipe(log, { end: false })
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`)
    // Its closing line per test: `• [12.345 seconds]`, `• [FAILED] [12.345 seconds]`.
    if (/^• .*\[\d+\.\d+ seconds\]/.test(line)) run.onProgress(line)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  run.signal.removeEventListener('abort', stop)
  log.end()
  run.signal.throwIfAborted()
  try {
    return outcomesOf(JSON.parse(readFileSync(join(run.dir, 'report.json'), 'utf8')))
  } catch (error) {
    throw new Error(`the suite ended with ${code} and left no report: ${run.dir}/output.log`, {
      cause: error,
    })
  }
}
