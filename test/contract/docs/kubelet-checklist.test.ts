import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checklist } from '../../../scripts/docs/kubelet-checklist/index.ts'
import t from '../../support/tap.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const rows = checklist.flatMap((part) => part.rows)

/** Whether a test bears this very name, whatever quotes it is written in. */
function hasTest(text: string, name: string): boolean {
  return (
    ["'", '`', '"'].some((quote) => text.includes(`${quote}${name.replaceAll("'", "\\'")}${quote}`)) ||
    text.includes(`\`${name}\``)
  )
}

t.test('every test that the checklist names exists in its file', async (t) => {
  for (const { id, tests = [] } of rows) {
    for (const [file, name] of tests) {
      if (!existsSync(`${root}/${file}`)) t.fail(`${id}: ${file} does not exist`)
      else t.ok(hasTest(readFileSync(`${root}/${file}`, 'utf8'), name), `${id}: ${file} has “${name}”`)
    }
  }
})

t.test('every line has a test or says what is not shown, and an id of its own', async (t) => {
  for (const { id, tests = [], notYet } of rows) t.ok(tests.length > 0 || notYet, id)
  t.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
})

t.test('every rule of the agent is on the list', async (t) => {
  const ids = new Set(rows.map(({ id }) => id))
  for (let rule = 24; rule <= 46; rule += 1) t.ok(ids.has(String(rule)), `rule ${rule}`)
})
