import { limitYoungGeneration, youngGenerationBytes } from '../../../src/lib/young-generation.ts'
import t from '../../support/tap.ts'

const MIB = 1024 * 1024

t.test('a burst of short-lived objects does not make the process large for good', async (t) => {
  t.teardown(limitYoungGeneration(4))
  let most = 0
  const underWay: object[] = []
  for (let turn = 0; turn < 400; turn++) {
    underWay.push(Array.from({ length: 4_000 }, (_, index) => ({ index, list: [index] })))
    if (underWay.length > 80) underWay.shift()
    most = Math.max(most, youngGenerationBytes())
    await new Promise((resolve) => setImmediate(resolve))
  }
  // It may have doubled once before it is looked at; without a limit it comes to 64 MiB here.
  t.ok(most <= 40 * MIB, `${(most / MIB).toFixed(0)} MiB`)
})
