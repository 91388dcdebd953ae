import { GENERATED } from '../generated.ts'
import { faultsPart } from './faults.ts'
import { nodePart } from './node.ts'
import { podsPart } from './pods.ts'
import { rulesPart } from './rules.ts'
import { specPart } from './spec.ts'
import { streamsPart } from './streams.ts'
import { syncPart } from './sync.ts'
import type { ChecklistPart, ChecklistRow } from './types.ts'

/** Every guarantee of the virtual kubelet, by subject. */
export const checklist: readonly ChecklistPart[] = [
  nodePart,
  podsPart,
  specPart,
  syncPart,
  streamsPart,
  faultsPart,
  rulesPart,
]

function cellOf({ tests = [], notYet }: ChecklistRow): string {
  const lines = tests.map(([file, name]) => `\`${file}\` › ${name.replaceAll('|', '\\|')}`)
  if (notYet !== undefined) lines.push(`**not yet**: ${notYet}`)
  return lines.join('<br>')
}

/** docs/kubelet-checklist.md: what a kubelet has to get right, and the test that shows that ours does. */
export function kubeletChecklistDocument(): string {
  const rows = checklist.flatMap((part) => part.rows)
  const open = rows.filter(({ notYet }) => notYet !== undefined).length
  const parts = checklist.map((part) => {
    const lines = part.rows.map((row) => `| ${row.id} | ${row.what} | ${cellOf(row)} |`)
    return `## ${part.title}\n\n| | what | shown by |\n|---|---|---|\n${lines.join('\n')}`
  })
  return `${GENERATED}
# What a virtual kubelet has to get right

Each line is a guarantee and the test that shows it; \`test/contract/docs/kubelet-checklist.test.ts\` checks that the tests exist. *Not yet* says what of a line no test shows. ${rows.length} guarantees, ${rows.length - open} shown whole, ${open} not yet or in part.

${parts.join('\n\n')}
`
}
