import fc from 'fast-check'
import { type ListPiece, splitItems } from '../../../../src/gateway/kubernetes/json-items.ts'
import { type ItemMemory, makeItemMemory } from '../../../../src/gateway/kubernetes/known-items.ts'
import t from '../../../support/tap.ts'

interface Item {
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string; generation: number }
  [field: string]: unknown
}

const memory = (options: { maxBytes?: number; idleMs?: number; elapsed?: () => number } = {}) =>
  makeItemMemory({ maxBytes: 2 ** 20, idleMs: 60_000, elapsed: () => 0, ...options })

const listOf = (items: readonly unknown[]) =>
  `${JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '9' }, items })}\n`

const itemOf = (uid: string, resourceVersion: string, rest: object = {}): Item => ({
  metadata: { name: `pod-${uid}`, namespace: 't-a', uid, resourceVersion, generation: 1 },
  ...rest,
})

async function* chunks(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** The items' texts as a list is written, and how many came out of the memory. */
async function read(text: string, items: ItemMemory, sizes: readonly number[] = [text.length], scope = 'a') {
  const known = items.of(scope)
  const texts: string[] = []
  let remembered = 0
  for await (const piece of splitItems(chunks(text, sizes), known) as AsyncIterable<ListPiece>) {
    if ('known' in piece) {
      remembered++
      texts.push(piece.known.render(0))
    } else if ('item' in piece) {
      const rendered = JSON.stringify(piece.item)
      texts.push(rendered)
      if (piece.identity) known.add(piece.identity, { bytes: piece.bytes, render: () => rendered })
    }
  }
  return { texts, remembered }
}

t.test('a list read with what is known of it is the list itself, wherever its chunks are cut', async (t) => {
  const nested = fc.constantFrom('},{"metadata":{"name":"', '"}]}\n', '\\', '}]},', 'ü"')
  const item = fc.record({
    uid: fc.integer({ min: 0, max: 6 }),
    version: fc.integer({ min: 1, max: 3 }),
    text: fc.oneof(nested, fc.string()),
    value: fc.jsonValue(),
    long: fc.integer({ min: 0, max: 2000 }),
  })
  const sizes = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 4 })
  let remembered = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.uniqueArray(item, { selector: ({ uid }) => uid, maxLength: 5 }), sizes), {
        minLength: 2,
        maxLength: 4,
      }),
      async (lists) => {
        const items = memory()
        for (const [list, cuts] of lists) {
          const asked = list.map(({ uid, version, text, value, long }) =>
            // What has the same version may differ in nothing but length: a data plane that is being upgraded.
            itemOf(String(uid), String(version), { text, value, long: 'x'.repeat(long) }),
          )
          // The same list twice: the second time from the memory.
          for (let time = 0; time < 2; time++) {
            const found = await read(listOf(asked), items, cuts)
            const wanted = asked.map((one) => JSON.stringify(JSON.parse(JSON.stringify(one))))
            const fits = (one: string, index: number) => one.length === wanted[index]?.length
            if (found.texts.length !== wanted.length || !found.texts.every(fits))
              throw new Error('other items')
            remembered += found.remembered
          }
        }
      },
    ),
  )
  t.ok(remembered > 50, 'the memory was used')
})

t.test('another version of an object is read anew', async (t) => {
  const items = memory()
  await read(listOf([itemOf('1', '5', { phase: 'Pending' })]), items)
  const { texts, remembered } = await read(listOf([itemOf('1', '6', { phase: 'Running' })]), items)
  t.equal(remembered, 0)
  t.match(texts[0], /Running/)
})

t.test('what is remembered in one scope is not known in another', async (t) => {
  const items = memory()
  const list = listOf([itemOf('1', '5')])
  await read(list, items)
  t.equal((await read(list, items, [list.length], 'b')).remembered, 0)
  t.equal((await read(list, items)).remembered, 1)
})

t.test('the memory has a limit: what is in it stays, what is idle goes', async (t) => {
  let now = 0
  const one = listOf([itemOf('1', '5')])
  const other = listOf([itemOf('2', '5')])
  const items = memory({
    maxBytes: JSON.stringify(itemOf('1', '5')).length,
    idleMs: 1000,
    elapsed: () => now,
  })
  await read(one, items)
  await read(other, items)
  t.equal((await read(one, items)).remembered, 1)
  t.equal((await read(other, items)).remembered, 0)
  now = 1000
  items.of('a')
  t.equal(items.bytes, 0)
  await read(other, items)
  t.equal((await read(other, items)).remembered, 1)
})

t.test('a list that breaks off within a known item is an error and not a shorter list', async (t) => {
  const items = memory()
  const list = listOf([itemOf('1', '5'), itemOf('2', '5')])
  await read(list, items)
  const end = list.indexOf('"items":[') + 9
  for (let length = end; length < list.length - 3; length++) {
    await t.rejects(read(list.slice(0, length), items, [7]), { code: 'bad_gateway' }, `${length} bytes`)
  }
})
