import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { isIsthmusError } from '../../../src/protocol/errors/index.ts'
import { decodeKubernetesBody, PROTOBUF_TYPE } from '../../../src/protocol/protobuf/index.ts'
import t from '../../support/tap.ts'

interface Fixture {
  kind: string
  json: Record<string, unknown>
  protobuf: string
}

const path = new URL('fixtures/objects.generated.json', import.meta.url)
const fixtures: Fixture[] = JSON.parse(readFileSync(path, 'utf8'))
const decode = (bytes: Uint8Array, expected?: string) => decodeKubernetesBody(PROTOBUF_TYPE, bytes, expected)

t.test(
  'rule 1: an object sent as protobuf is the very object that its JSON is, for every kind',
  async (t) => {
    const kinds = new Set<string>()
    for (const [index, { kind, json, protobuf }] of fixtures.entries()) {
      kinds.add(kind)
      t.strictSame(decode(Buffer.from(protobuf, 'base64')), json, `${kind} ${index}`)
    }
    for (const kind of [
      'v1/Pod',
      'v1/ConfigMap',
      'v1/Secret',
      'v1/Namespace',
      'policy/v1/Eviction',
      'v1/DeleteOptions',
    ]) {
      t.ok(kinds.has(kind), kind)
    }
  },
)

/** Protobuf by hand: fields of a message. */
const varint = (value: bigint | number): Buffer => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
const bytesField = (number: number, value: Uint8Array | string) => {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}
const intField = (number: number, value: bigint | number) =>
  Buffer.concat([varint(number * 8), varint(value)])
const envelope = (apiVersion: string, kind: string, raw: Uint8Array, ...more: Uint8Array[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    bytesField(1, Buffer.concat([bytesField(1, apiVersion), bytesField(2, kind)])),
    bytesField(2, raw),
    ...more,
  ])

t.test(
  'rule 1: zeros behind pointers are kept, zeros of values are left out as Go leaves them out',
  async (t) => {
    t.same(decode(envelope('v1', 'DeleteOptions', intField(1, 0))), {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 0,
    })
    t.same(decode(envelope('policy/v1', 'DeleteOptions', Buffer.alloc(0))), {
      kind: 'DeleteOptions',
      apiVersion: 'policy/v1',
    })
    const container = Buffer.concat([
      bytesField(1, 'a'),
      bytesField(15, Buffer.concat([intField(4, 0), intField(7, 0)])),
    ])
    const pod = decode(envelope('v1', 'Pod', bytesField(2, bytesField(2, container))))
    t.match(pod, {
      spec: {
        containers: [{ name: 'a', securityContext: { runAsUser: 0, allowPrivilegeEscalation: false } }],
      },
    })
  },
)

t.test('negative numbers, unknown fields and fields that come twice are read as Go reads them', async (t) => {
  const unknown = [bytesField(900, 'x'), intField(901, 5), Buffer.from([0x99, 0x40, 1, 2, 3, 4, 5, 6, 7, 8])]
  const raw = Buffer.concat([...unknown, intField(1, 7), intField(1, -5)])
  t.same(decode(envelope('v1', 'DeleteOptions', raw)), {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: -5,
  })
})

t.test('a key __proto__ is a key', async (t) => {
  const entry = bytesField(2, Buffer.concat([bytesField(1, '__proto__'), bytesField(2, 'x')]))
  const map = decode(envelope('v1', 'ConfigMap', entry))
  t.equal(JSON.stringify(map['data']), '{"__proto__":"x"}')
})

t.test("a body that does not say its kind has the route's", async (t) => {
  const body = Buffer.concat([Buffer.from('k8s\0'), bytesField(2, intField(1, 3))])
  t.match(decode(body, 'v1/DeleteOptions'), { kind: 'DeleteOptions', gracePeriodSeconds: 3 })
  t.throws(() => decode(body), { code: 'unsupported_media_type' })
})

t.test('malformed bodies are 400, never a crash', async (t) => {
  const pod = Buffer.from(fixtures.findLast(({ kind }) => kind === 'v1/Pod')!.protobuf, 'base64')
  const options = (raw: Uint8Array) => envelope('v1', 'DeleteOptions', raw)
  const bodies: Record<string, Uint8Array> = {
    empty: Buffer.alloc(0),
    'no magic': Buffer.from('{"kind":"Pod"}'),
    'a field cut short': pod.subarray(0, pod.length - 1),
    'a length beyond the end': Buffer.from('k8s\0\x12\xff\xff\xff\xff\x0f', 'latin1'),
    'a length of 2^64-1': Buffer.concat([Buffer.from('k8s\0'), varint(18), varint(-1)]),
    'a number of 11 bytes': options(Buffer.from([8, ...new Array(11).fill(0xff)])),
    'a number where bytes belong': envelope('v1', 'Pod', intField(1, 1)),
    'bytes where a number belongs': options(bytesField(1, 'x')),
    'a number beyond 2^53': options(intField(1, 2n ** 53n)),
    'field number 0': options(Buffer.from([0, 0])),
    'a group': options(Buffer.from([0x0b, 0x0c])),
    'too many objects': envelope('v1', 'Pod', bytesField(2, Buffer.alloc(400_000, bytesField(2, '')))),
    'too many strings': envelope('v1', 'Pod', bytesField(1, Buffer.alloc(400_000, bytesField(14, '')))),
    'too many packed numbers': envelope(
      'v1',
      'Pod',
      bytesField(2, bytesField(14, bytesField(4, Buffer.alloc(3_000_000)))),
    ),
    'an empty quantity': envelope(
      'v1',
      'Node',
      bytesField(3, bytesField(1, bytesField(2, bytesField(2, '')))),
    ),
  }
  for (const [name, body] of Object.entries(bodies)) {
    t.throws(() => decode(body), { code: 'bad_request' }, name)
  }
})

t.test('whatever a body is changed to, it is decoded or refused', async (t) => {
  const bodies = fixtures
    .filter((_, index) => index % 5 === 1)
    .map(({ protobuf }) => Buffer.from(protobuf, 'base64'))
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 8,
  })
  const check = fc.property(fc.constantFrom(...bodies), changes, (original, changes) => {
    const body = Buffer.from(original)
    for (const [at, byte] of changes) body[4 + (at % (body.length - 4))] = byte
    try {
      decode(body)
    } catch (error) {
      if (!isIsthmusError(error)) throw error
    }
  })
  fc.assert(check, { numRuns: 3000 })
  t.pass('holds')
})

t.test('JSON is taken as it is, other media types are 415', async (t) => {
  t.same(decodeKubernetesBody('application/json; charset=utf-8', Buffer.from('{"a":1}')), { a: 1 })
  t.same(decodeKubernetesBody(undefined, Buffer.from('{}')), {})
  for (const text of ['', '{', '[]', 'null', '5', '{"a":1}x']) {
    t.throws(() => decodeKubernetesBody('application/json', Buffer.from(text)), { code: 'bad_request' }, text)
  }
  for (const type of ['application/cbor', 'application/yaml', 'text/plain']) {
    t.throws(() => decodeKubernetesBody(type, Buffer.from('{}')), { code: 'unsupported_media_type' })
  }
  t.throws(() => decode(envelope('v1', 'ReplicationController', Buffer.alloc(0))), {
    code: 'unsupported_media_type',
  })
  t.throws(() => decode(envelope('v1', 'constructor', Buffer.alloc(0))), { code: 'unsupported_media_type' })
  t.throws(() => decode(envelope('v1', 'Pod', Buffer.alloc(0), bytesField(3, 'gzip'))), {
    code: 'unsupported_media_type',
  })
})
