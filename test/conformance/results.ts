import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredRun } from './judge.ts'

const file = (node: 'base' | 'virtual') => join(import.meta.dirname, 'results', `${node}.json`)

/** What the last whole run on that node gave. @throws when there was none */
export function readRun(node: 'base' | 'virtual'): StoredRun {
  return JSON.parse(readFileSync(file(node), 'utf8')) as StoredRun
}

/**
 * Keeps a run; `node scripts/generate-docs.ts` makes the table of it. With `merge` only the tests that it saw take
 * the place of what is kept of them.
 */
export function storeRun(node: 'base' | 'virtual', run: StoredRun, merge = false): void {
  const stored = merge ? { ...readRun(node), date: run.date } : { ...run, outcomes: {} }
  const outcomes = Object.entries({ ...stored.outcomes, ...run.outcomes }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
  writeFileSync(
    file(node),
    `${JSON.stringify({ ...stored, outcomes: Object.fromEntries(outcomes) }, undefined, 2)}\n`,
  )
}
