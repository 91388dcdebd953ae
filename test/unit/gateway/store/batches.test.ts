import { makeBatches } from '../../../../src/gateway/store/batches.ts'
import { IsthmusError } from '../../../../src/protocol/errors/index.ts'
import t from '../../../support/tap.ts'

/** Batches whose work is recorded; `together` answers or throws what it is told. */
function recorded(answer: () => boolean = () => true, lanes = 1, size = 10) {
  const batches: string[][] = []
  const alone: string[] = []
  const submit = makeBatches<string>({
    lanes,
    size,
    async together(items) {
      batches.push([...items])
      return answer()
    },
    async alone(item) {
      alone.push(item)
      if (item === 'bad') throw new IsthmusError('invalid', 'bad')
    },
  })
  return { batches, alone, submit: (item: string, key = 'k') => submit(key, item, item) }
}

t.test('the first goes alone and at once, what comes meanwhile goes together', async (t) => {
  const { batches, alone, submit } = recorded()
  await Promise.all(['a', 'b', 'c', 'd'].map((item) => submit(item)))
  t.same(alone, ['a'])
  t.same(batches, [['b', 'c', 'd']])
})

t.test('keys do not wait for each other; a batch has a size; one id is never twice in it', async (t) => {
  const { batches, alone, submit } = recorded(() => true, 1, 2)
  await Promise.all(['a', 'b', 'b', 'c', 'd'].map((item) => submit(item)).concat(submit('x', 'other')))
  t.same(alone, ['a', 'x'])
  t.same(batches, [
    ['b', 'c'],
    ['b', 'd'],
  ])
})

t.test('what can not be done together is done one by one, and each has its own outcome', async (t) => {
  const { alone, submit } = recorded(() => false)
  const outcomes = await Promise.allSettled(['a', 'b', 'bad', 'c'].map((item) => submit(item)))
  t.same(alone, ['a', 'b', 'bad', 'c'])
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
})

t.test(
  'a database that is away fails all of a batch at once; any other fault is told to whom it concerns',
  async (t) => {
    const away = recorded(() => {
      throw new IsthmusError('unavailable', 'away')
    })
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((item) => away.submit(item)))
    t.same(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    )
    t.same(away.alone, ['a'])
    const faulty = recorded(() => {
      throw new Error('fault')
    })
    await t.rejects(Promise.all(['a', 'b', 'bad'].map((item) => faulty.submit(item))), { code: 'invalid' })
    t.same(faulty.alone, ['a', 'b', 'bad'])
  },
)

t.test('lanes are as many batches of a key as may be under way', async (t) => {
  const { batches, alone, submit } = recorded(() => true, 2)
  await Promise.all(['a', 'b', 'c', 'd'].map((item) => submit(item)))
  t.same(alone, ['a', 'b'])
  t.same(batches, [['c', 'd']])
})
