import { findUnknownFields, withoutUnknownFields } from '../../../../src/kube/schema/index.ts'
import t from '../../../support/tap.ts'

const pod = {
  kind: 'Pod',
  metadata: { name: 'p', labels: { anything: 'goes' }, nam: 'x' },
  spec: {
    containers: [{ name: 'a', imagee: 'b', resources: { limits: { 'example.org/gpu': '1' } } }],
    hostNetwrk: true,
  },
}

t.test('rule 6a: unknown fields are told by their path', async (t) => {
  t.same(findUnknownFields('Pod', pod), ['metadata.nam', 'spec.containers[0].imagee', 'spec.hostNetwrk'])
})

t.test('rule 6a: what is dropped is the unknown part alone', async (t) => {
  t.same(withoutUnknownFields('Pod', pod), {
    kind: 'Pod',
    metadata: { name: 'p', labels: { anything: 'goes' } },
    spec: { containers: [{ name: 'a', resources: { limits: { 'example.org/gpu': '1' } } }] },
  })
})

t.test('free-form parts, scalars where objects belong and null pass through untouched', async (t) => {
  const odd = { metadata: { managedFields: [{ fieldsV1: { 'f:x': {} } }] }, spec: null, status: 'x' }
  t.same(findUnknownFields('Pod', odd), [])
  t.same(withoutUnknownFields('Pod', odd), odd)
})

t.test('the number of paths that are told is bounded', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x${index}`, 1]))
  t.equal(findUnknownFields('Pod', many, 5).length, 5)
})
