import { usage as usageNoun } from '../../cli/commands/nouns.ts'
import { printList } from '../../cli/output/print.ts'
import type { UsageItem } from '../../protocol/schemas/operator.ts'
import type { Step } from '../step.ts'
import { expect } from '../wait.ts'

/** The operator sees what each tenant uses. */
export const usage: Step = {
  title: 'The operator sees what each tenant uses',
  async run({ operator }) {
    const rows: UsageItem[] = []
    for await (const row of operator.pages<UsageItem>(['v1', 'usage'])) rows.push(row)
    const pods = rows.find((row) => row.tenant === 'acme' && row.resource === 'pods')
    expect(pods?.used === '2', `acme uses 2 pods, not ${pods?.used}`)
    return { shown: 'acme has two pods, globex none', detail: printList('table', rows, usageNoun) }
  },
}
