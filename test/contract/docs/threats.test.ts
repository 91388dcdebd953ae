import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from '../../support/tap.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

/** How many threats of each letter the catalogue has. */
const CATALOGUE = { A: 19, B: 13, C: 15, D: 10, E: 12, F: 15, G: 19 }

const rows = [...read('docs/threats.md').matchAll(/^\| ([A-G]\d+) \| ([^|]+) \| (.+) \|$/gm)].map(
  ([, id = '', threat = '', held = '']) => ({ id, threat, held }),
)

t.test('every threat of the catalogue is on the page, once', async (t) => {
  const ids = Object.entries(CATALOGUE).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  )
  t.same(
    rows.map(({ id }) => id),
    ids,
  )
})

t.test('every threat names tests that exist, or says why it has none', async (t) => {
  for (const { id, held } of rows) {
    if (/^not (yet|applicable): \S/.test(held)) continue
    for (const claim of held.split('<br>')) {
      const [, file = '', name = ''] = /^`(test\/[^`]+\.test\.ts)` › (.+)$/.exec(claim) ?? []
      t.ok(file && existsSync(`${root}/${file}`) && read(file).includes(name), `${id}: ${claim}`)
    }
  }
})
