import { pageReply, pageRequest } from '../../../src/lib/page.ts'
import t from '../../support/tap.ts'

t.test('a continue token leads back to the cursor that it was made of', async (t) => {
  const reply = pageReply({ items: [1], next: 'a/ü\'"--' })
  t.same(pageRequest({ limit: 7, continue: reply.continue }), { limit: 7, after: 'a/ü\'"--' })
  t.notOk('continue' in pageReply({ items: [], next: undefined }))
})

t.test('a token that is not ours is refused', async (t) => {
  for (const token of [
    'x',
    'AAAA',
    Buffer.from('c2:x').toString('base64url'),
    Buffer.from('c1:\0').toString('base64url'),
  ])
    t.throws(() => pageRequest({ continue: token }), RangeError, token)
  t.same(pageRequest({ continue: '' }), { limit: 100, after: undefined })
})
