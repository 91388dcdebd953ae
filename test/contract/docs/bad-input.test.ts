import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { reservedKeys } from '../../../src/gateway/policy/index.ts'
import t from '../../support/tap.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')
const page = read('docs/bad-input.md')

/** `test/….test.ts` › the name of a test; the cell ends with the sentence. */
const claim = /`(test\/[^`]+\.test\.ts)` › (.+)\. \|$/

t.test('every bad input of docs/bad-input.md names a test that exists', async (t) => {
  const rows = (page.split('## Reserved')[0] ?? '')
    .split('\n')
    .filter((line) => /^\| [^|]/.test(line))
    .slice(1)
  t.ok(rows.length >= 20, `${rows.length} rows`)
  for (const row of rows) {
    const [, file = '', name = ''] = claim.exec(row) ?? []
    if (!existsSync(`${root}/${file}`) || file === '') t.fail(`no test: ${row}`)
    else t.ok(read(file).includes(`'${name}'`), `${file} holds “${name}”`)
  }
})

t.test('the reserved labels and annotations of docs/bad-input.md are those of the policy', async (t) => {
  const cells = (page.split('## Reserved')[1] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const listed = cells.flatMap(([, keys = '', why = '']) => keys.split(', ').map((key) => `${key} ${why}`))
  const wanted = reservedKeys.map(({ domain, key, prefix, why }) => {
    const shown = domain === undefined ? (key ?? `${prefix}*`) : `${domain}/`
    return `\`${shown}\` ${why}`
  })
  t.same(listed.sort(), wanted.sort())
})
