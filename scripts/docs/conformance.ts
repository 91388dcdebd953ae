import { baseFailures, exceptions } from '../../test/conformance/exceptions.ts'
import { judge } from '../../test/conformance/judge.ts'
import type { Outcome } from '../../test/conformance/report.ts'
import { readRun } from '../../test/conformance/results.ts'
import { GENERATED } from './generated.ts'

const mark = (outcome: Outcome | undefined) =>
  outcome === undefined ? '–' : outcome.passed ? 'pass' : '**fail**'
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;')

/** docs/conformance.md: upstream's node tests on a real node and on a virtual one, from the last recorded runs. */
export function conformanceDocument(): string {
  const base = readRun('base')
  const virtual = readRun('virtual')
  const { owed, kept, excepted, broken } = judge(base.outcomes, virtual.outcomes, exceptions)
  const names = [...new Set([...Object.keys(base.outcomes), ...Object.keys(virtual.outcomes)])].sort()
  const passed = (outcomes: Record<string, Outcome>) =>
    Object.values(outcomes).filter((outcome) => outcome.passed).length
  const rows = names.map(
    (name) =>
      `| ${cell(name.replace('[sig-node] ', ''))} | ${mark(base.outcomes[name])} | ${mark(virtual.outcomes[name])} |`,
  )
  const missed = [...excepted, ...broken].map((name) => {
    const known = exceptions[name]
    const can = known?.ever === 'by nature not' ? 'no, by nature' : 'yes'
    return `| ${cell(name.replace('[sig-node] ', ''))} | ${cell(known?.reason ?? virtual.outcomes[name]?.failure ?? '')} | ${can} |`
  })
  const alsoBase = names
    .filter((name) => base.outcomes[name]?.passed === false)
    .map(
      (name) =>
        `- ${cell(name.replace('[sig-node] ', ''))}: ${cell(baseFailures[name] ?? base.outcomes[name]?.failure ?? '')}`,
    )
  return `${GENERATED}
# Conformance of the virtual node

Kubernetes' own tests are the judge: the sig-node conformance tests of the upstream suite, run by its own command line, unchanged, once on a cluster with a real node and once on a cluster whose only node is virtual. Its pods run on that same kind of real node, behind the gateway.

| | real node | virtual node |
|---|---|---|
| suite and clusters | v${base.version} | v${virtual.version} |
| seen on | ${base.date} | ${virtual.date} |
| conditions | ${base.conditions} | ${virtual.conditions} |
| tests | ${Object.keys(base.outcomes).length} | ${Object.keys(virtual.outcomes).length} |
| passed | ${passed(base.outcomes)} | ${passed(virtual.outcomes)} |

**Of ${owed} tests that pass on the real node, ${kept} pass on the virtual one (${((kept / owed) * 100).toFixed(1)} %).**

\`npm run test:conformance\` repeats it (\`-- --base\` on a real node, \`-- --quick\` 30 tests, one of each kind, \`-- 'Probing container'\` what fits): it builds the suite from its Go module (5 minutes the first time), makes the images that its pods name, starts the clusters, and fails when a test that passes on the real node does not pass on the virtual one and is not named below. \`-- --record\` keeps the outcome for this page.

What differs from an ordinary installation: the node is registered without its taint, since the suite's pods tolerate nothing; its data plane is registered as \`flat\`, so that pods' addresses are shown; pods without requests are charged next to nothing (\`cpu=1m,memory=1Mi\`), since one test reads their \`cpu.shares\`; the API server of the user's cluster reaches pods' addresses.

## What does not pass

| test | why | can it ever |
|---|---|---|
${missed.join('\n')}

Not passed by the real node of these runs either, and so nobody's measure:

${alsoBase.length > 0 ? alsoBase.join('\n') : '- none'}

## Every test

| test | real node | virtual node |
|---|---|---|
${rows.join('\n')}
`
}
