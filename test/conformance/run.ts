// npm run test:conformance [-- focus…]   upstream's sig-node conformance tests on a virtual node; a focus is a
//                                        regular expression on a test's name
//   --quick        30 of them, for CI
//   --base         on a real node instead
//   --record       keeps the outcomes in test/conformance/results (node scripts/generate-docs.ts makes the table)
//   --procs=3      tests at once
//   --dir=PATH     where reports and logs go; a folder that is removed when everything passed by default
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { consoleLogger } from '../kubernetes/harness/console-logger.ts'
import { sweepBridges } from '../kubernetes/harness/network.ts'
import { missingRequirements } from '../kubernetes/harness/requirements.ts'
import { SUITE_VERSION } from './build.ts'
import { startJudged } from './clusters.ts'
import { exceptions } from './exceptions.ts'
import { runSuite } from './ginkgo.ts'
import { judge } from './judge.ts'
import { quick } from './quick.ts'
import type { Outcomes } from './report.ts'
import { readRun, storeRun } from './results.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    base: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    procs: { type: 'string', default: '3' },
    dir: { type: 'string' },
  },
})
const logger = consoleLogger()
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(signal)))
}
const say = (line: string) => void process.stdout.write(`${line}\n`)

const missing = missingRequirements()
if (missing.length > 0) {
  say(`The suite cannot run here. Missing:\n${missing.map((line) => `  ${line}`).join('\n')}`)
  finish(0, 1)
} else {
  await main()
}

async function main(): Promise<void> {
  for (const name of sweepBridges()) logger.info({ name }, `removed what a killed run had left: ${name}`)
  const work = mkdtempSync(join(tmpdir(), 'isthmus-conformance-'))
  const reports = values.dir
    ? resolve(values.dir)
    : mkdtempSync(join(tmpdir(), 'isthmus-conformance-reports-'))
  mkdirSync(reports, { recursive: true })
  const node = values.base ? 'real' : 'virtual'
  const { signal } = interrupted
  let bad = true
  try {
    const judged = await startJudged({ dir: work, logger, signal, node })
    try {
      const focus = values.quick ? [...quick, ...positionals] : positionals
      const outcomes = await runSuite({
        binaries: judged.suite,
        kubeconfig: judged.kubeconfig,
        dir: reports,
        focus,
        processes: Number(values.procs),
        // Where it is a gate, one slow machine must not close it; what is recorded was seen at the first try.
        attempts: values.quick ? 2 : 1,
        onProgress: (line) => logger.info({}, line),
        signal,
      })
      bad = report(outcomes) > 0
      if (values.record) record(outcomes, focus)
    } finally {
      const started = Date.now()
      await judged.stop()
      logger.info({}, `stopped in ${Date.now() - started} ms`)
    }
  } catch (error) {
    if (!signal.aborted) logger.error({ error }, String((error as Error).stack ?? error))
    finish(0, signal.aborted ? 130 : 1)
  }
  rmSync(work, { recursive: true, force: true })
  if (bad) say(`reports and logs: ${reports}`)
  else if (!values.dir) rmSync(reports, { recursive: true, force: true })
}

/** Prints what failed and the verdict; gives the number of tests that make the run fail. */
function report(outcomes: Outcomes): number {
  const names = Object.keys(outcomes)
  const failed = names.filter((name) => !outcomes[name]?.passed)
  say('')
  for (const name of failed) say(`FAILED ${name}\n       ${outcomes[name]?.failure}`)
  if (values.base) {
    say(`on a real node: ${names.length - failed.length} of ${names.length} passed`)
    return finish(names.length - failed.length, 0)
  }
  const verdict = judge(readRun('base').outcomes, outcomes, exceptions)
  say(`of ${verdict.owed} that pass on a real node, ${verdict.kept} passed on the virtual one`)
  for (const name of verdict.excepted) say(`expected: ${name}: ${exceptions[name]?.reason}`)
  for (const name of verdict.outdated) say(`passes by now, take it off the list: ${name}`)
  return finish(verdict.kept, verdict.broken.length + verdict.outdated.length)
}

function record(outcomes: Outcomes, focus: readonly string[]): void {
  const load = loadavg()[2] ?? 0
  const run = {
    version: SUITE_VERSION,
    date: new Date().toISOString().slice(0, 10),
    conditions: `${availableParallelism()} cores, ${values.procs} tests at once, a load of ${load.toFixed(0)} at its end`,
    outcomes,
  }
  storeRun(values.base ? 'base' : 'virtual', run, focus.length > 0)
}

/** The closing line that .ci/run adds up, and the exit code. Gives `failed` back. */
function finish(passed: number, failed: number): number {
  say(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? (failed === 130 ? 130 : 1) : 0
  return failed
}
