import fc from 'fast-check'
import { type ListPiece, splitItems } from '../../../../src/gateway/kubernetes/json-items.ts'
import t from '../../../support/tap.ts'

async function* chunks(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function split(text: string, sizes: readonly number[] = [text.length]) {
  const pieces: ListPiece[] = []
  for await (const piece of splitItems(chunks(text, sizes))) pieces.push(piece)
  return pieces
}

t.test('any list is cut into its items, wherever the chunks are cut', async (t) => {
  const item = fc.dictionary(fc.string(), fc.jsonValue())
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      async (items, sizes) => {
        const list = {
          kind: 'PodList',
          apiVersion: 'v1',
          metadata: { resourceVersion: '1', continue: 'c"]}' },
          items,
        }
        const pieces = await split(`${JSON.stringify(list)}\n`, sizes)
        const found = pieces.flatMap((piece) => ('item' in piece ? [piece.item] : []))
        if (JSON.stringify(found) !== JSON.stringify(JSON.parse(JSON.stringify(items))))
          throw new Error('items differ')
        const [head] = pieces
        if (
          !head ||
          !('head' in head) ||
          JSON.stringify(head.head.metadata) !== JSON.stringify(list.metadata)
        ) {
          throw new Error('head differs')
        }
      },
    ),
  )
  t.pass()
})

t.test('a list that is cut short, or none, is an error and not a shorter list', async (t) => {
  const whole = JSON.stringify({ kind: 'PodList', metadata: {}, items: [{ a: 1 }, { b: 2 }] })
  for (let length = 0; length < whole.length; length++) {
    await t.rejects(split(whole.slice(0, length), [7]), { code: 'bad_gateway' }, `${length} bytes`)
  }
  t.equal((await split(whole)).length, 4)
  for (const text of ['<html>', '[]', '"x"', '{"items":5}']) {
    const pieces = await split(text).catch(() => [])
    t.same(
      pieces.filter((piece) => 'item' in piece),
      [],
      text,
    )
  }
})
