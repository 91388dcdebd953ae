import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredRun } from './judge.ts'

const file = (node: 'base' | 'virtual') => join(import.meta.dirname, 'results', `${node}.json`)

/** What the last whole run on that node gave. @throws when there was none */
export function readRun(node: 'base' | 'virtual'): StoredRun {
  return JSON.parse(readFileSync(file(node), 'utf8')) as StoredRun
}

/** Keeps a whole run; `node scripts/generate-docs.ts` makes the table of it. */
export function storeRun(node: 'base' | 'virtual', run: StoredRun): void {
  writeFileSync(file(node), `${JSON.stringify(run, undefined, 2)}\n`)
}
