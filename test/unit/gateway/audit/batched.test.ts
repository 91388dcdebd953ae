import { type AuditEntry, makeAuditLog } from '../../../../src/gateway/audit/index.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLogger } from '../../../../src/lib/logger.ts'
import { IsthmusError } from '../../../../src/protocol/errors/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'

const entry = (requestId: string): AuditEntry => ({
  requestId,
  actor: 'a',
  verb: 'v',
  resource: 'r',
  outcome: 'o',
})

function setUp(fail: () => Error | undefined) {
  const written: string[] = []
  const store = {
    async append(entries: readonly AuditEntry[]) {
      const error = fail()
      if (error) throw error
      written.push(...entries.map((each) => each.requestId))
    },
  }
  return { written, log: makeAuditLog({ store, clock: systemClock, logger: silentLogger }) }
}

t.test('entries are written in order, the last ones at close', async (t) => {
  const { log, written } = setUp(() => undefined)
  for (let index = 0; index < 1_200; index++) log.record(entry(String(index)))
  await log.close()
  t.equal(written.length, 1_200)
  t.same(written.slice(0, 3), ['0', '1', '2'])
})

t.test(
  'while Postgres is away entries wait, in order; what is refused for another reason is dropped and counted',
  async (t) => {
    const failures = [new IsthmusError('unavailable', 'away'), new IsthmusError('internal', 'poison')]
    const { log, written } = setUp(() => failures.shift())
    log.record(entry('first'))
    await eventually('one attempt', () => failures.length === 1)
    t.same(written, [], 'kept')
    await log.close()
    t.same(written, [])
    t.equal(log.dropped(), 1)
  },
)

t.test('the memory is bounded: the oldest go first and are counted', async (t) => {
  const { log, written } = setUp(() => undefined)
  for (let index = 0; index < 20_010; index++) log.record(entry(String(index)))
  t.equal(log.dropped(), 10)
  await log.close()
  t.equal(written[0], '10')
})
