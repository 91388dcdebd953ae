import fc from 'fast-check'
import { exitCodeOf, exitStatus, failureStatus, parseStatus } from '../../../../src/protocol/streams/index.ts'
import { createResizeReader, encodeResize } from '../../../../src/protocol/streams/resize.ts'
import t from '../../../support/tap.ts'

t.test('an exit code survives the way through a Status', (t) => {
  for (const code of [0, 1, 7, 127, 137, 255]) {
    const status = parseStatus(Buffer.from(JSON.stringify(exitStatus(code))))
    t.equal(status && exitCodeOf(status), code)
  }
  t.match(exitStatus(7), {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  })
  t.end()
})

t.test('a Status that tells no exit code has none', (t) => {
  t.equal(exitCodeOf(failureStatus('no such container')), undefined)
  t.equal(exitCodeOf({ status: 'Failure', reason: 'NonZeroExitCode' }), undefined)
  for (const message of ['', 'seven', '1e3', '0x7', '99999999999']) {
    const details = { causes: [{ reason: 'ExitCode', message }] }
    t.equal(exitCodeOf({ status: 'Failure', reason: 'NonZeroExitCode', details }), undefined, message)
  }
  t.end()
})

t.test('what is no Status is not taken for one, and nothing throws', (t) => {
  for (const text of ['', '{', '[]', 'null', '1', '{"status":"Maybe"}', '{"status":1}']) {
    t.equal(parseStatus(Buffer.from(text)), undefined, text)
  }
  for (const details of [1, [], { causes: 'x' }, { causes: [null] }]) {
    const status = parseStatus(
      Buffer.from(JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details })),
    )
    t.same(status && exitCodeOf(status), undefined)
  }
  fc.assert(fc.property(fc.json(), (text) => void parseStatus(Buffer.from(text))))
  t.end()
})

t.test('sizes are read however their bytes are cut, until the first that is none', (t) => {
  const size = fc.record({ width: fc.nat(65_535), height: fc.nat(65_535) })
  fc.assert(
    fc.property(fc.array(size), fc.integer({ min: 1, max: 20 }), (sizes, step) => {
      const reader = createResizeReader()
      const seen: unknown[] = []
      reader.listen((next) => seen.push(next))
      const bytes = Buffer.concat([
        ...sizes.map(encodeResize),
        Buffer.from('{"Width":70000,"Height":1}{"Width":1,"Height":1}'),
      ])
      for (let offset = 0; offset < bytes.length; offset += step)
        reader.write(bytes.subarray(offset, offset + step))
      t.same(seen, sizes)
    }),
    { numRuns: 30 },
  )
  t.end()
})

t.test('a listener that comes late is told the last size; rubbish without end is not kept', (t) => {
  const reader = createResizeReader()
  reader.write(Buffer.from('{"Width":1,"Height":2}{"Width":3,"Height":4}'))
  const seen: unknown[] = []
  reader.listen((size) => seen.push(size))
  t.same(seen, [{ width: 3, height: 4 }])
  reader.write(Buffer.alloc(5000, '{'))
  reader.write(encodeResize({ width: 5, height: 6 }))
  t.equal(seen.length, 1)
  t.end()
})
