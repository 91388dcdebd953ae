import { randomBytes } from 'node:crypto'
import { makeSealer } from '../../../src/lib/seal.ts'
import t from '../../support/tap.ts'

const [old, fresh] = [randomBytes(32), randomBytes(32)]

t.test('what is sealed opens with the same key and purpose, and looks different each time', async (t) => {
  const sealer = makeSealer([old])
  const sealed = sealer.seal('secret', 'cluster:1')
  t.equal(sealer.open(sealed, 'cluster:1'), 'secret')
  t.notSame(sealer.seal('secret', 'cluster:1'), sealed)
  t.notOk(sealed.includes('secret'))
})

t.test('moved to another row, changed by a bit, or under an unknown key it does not open', async (t) => {
  const sealer = makeSealer([old])
  const sealed = sealer.seal('secret', 'cluster:1')
  t.throws(() => sealer.open(sealed, 'cluster:2'))
  for (const at of [0, 3, 12, 25, sealed.length - 1]) {
    const changed = Buffer.from(sealed)
    changed[at] = changed[at]! ^ 1
    t.throws(() => sealer.open(changed, 'cluster:1'), `byte ${at}`)
  }
  t.throws(() => makeSealer([fresh]).open(sealed, 'cluster:1'), /no master key/)
  t.throws(() => sealer.open(Buffer.alloc(0), 'cluster:1'))
})

t.test('rotation: the first key seals, all open, and what is not of the first is known', async (t) => {
  const before = makeSealer([old]).seal('secret', 'p')
  const rotated = makeSealer([fresh, old])
  t.equal(rotated.open(before, 'p'), 'secret')
  t.equal(rotated.isCurrent(before), false)
  const after = rotated.seal('secret', 'p')
  t.equal(rotated.isCurrent(after), true)
  t.equal(makeSealer([fresh]).open(after, 'p'), 'secret')
})

t.test('no key, or one of another length, is refused', async (t) => {
  t.throws(() => makeSealer([]))
  t.throws(() => makeSealer([randomBytes(31)]), /32 bytes/)
})
