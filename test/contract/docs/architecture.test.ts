import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from '../../support/tap.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

/** `test/….test.ts` › the name of a test; the name ends with the sentence. */
const claim = /`(test\/[^`]+\.test\.ts)` › (.+?)\.(?=\s|$)/g

t.test('every invariant of ARCHITECTURE.md names a test that exists', async (t) => {
  const claims = [...read('ARCHITECTURE.md').matchAll(claim)]
  t.ok(claims.length >= 20, `${claims.length} claims`)
  for (const [, file = '', name = ''] of claims) {
    if (!existsSync(`${root}/${file}`)) t.fail(`${file} does not exist`)
    else t.ok(read(file).includes(name), `${file} holds “${name}”`)
  }
})

t.test('every invariant has a test', async (t) => {
  const invariants = read('ARCHITECTURE.md').split('## Invariants')[1]?.split('## Decisions')[0] ?? ''
  for (const line of invariants.split('\n')) {
    if (line.startsWith('- ')) t.match(line, /`test\/.+` › /, line.slice(0, 80))
  }
})
