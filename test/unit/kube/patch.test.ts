import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import {
  applyJsonPatch,
  applyMergePatch,
  applyPatch,
  applyStrategicMergePatch,
  createMergePatch,
  equalJson,
  type JsonObject,
  type JsonValue,
} from '../../../src/kube/patch/index.ts'
import t from '../../support/tap.ts'

interface Fixture {
  original: JsonObject
  patch: JsonObject
  result?: JsonObject
}

const fixtures: Fixture[] = JSON.parse(
  readFileSync(new URL('fixtures/patches.generated.json', import.meta.url), 'utf8'),
)

/**
 * Kubernetes leaves directives inside elements that it appends; decoding drops `$setElementOrder`, but an element
 * that is only there to be deleted stays as an empty one. Here neither does.
 */
function withoutLeftovers(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const kept = value.filter((item) => !(item !== null && typeof item === 'object' && '$patch' in item))
    return kept.map(withoutLeftovers)
  }
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key, item]) => !key.startsWith('$') && item !== null)
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutLeftovers(item)]))
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(sorted(item))).sort()
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]))
}

t.test("strategic: the same result as Kubernetes' own code, for patches as kubectl makes them", async (t) => {
  let refused = 0
  let exact = 0
  for (const [index, { original, patch, result }] of fixtures.entries()) {
    const before = JSON.stringify([original, patch])
    if (result) {
      const own = applyStrategicMergePatch('v1/Pod', original, patch)
      t.same(sorted(withoutLeftovers(own)), sorted(withoutLeftovers(result)), `patch ${index}`)
      if (equalJson(withoutLeftovers(own), withoutLeftovers(result))) exact += 1
      t.notMatch(JSON.stringify(own), /"\$/, 'no directive is left')
    } else {
      t.throws(
        () => applyStrategicMergePatch('v1/Pod', original, patch),
        { name: 'IsthmusError' },
        `patch ${index}`,
      )
      refused += 1
    }
    t.equal(JSON.stringify([original, patch]), before, 'neither is changed')
  }
  // Where one element is deleted and another added, Kubernetes' list of the old order is overwritten by the new
  // elements (its slices share their array), and what neither side named may come first or last.
  const applied = fixtures.length - refused
  t.ok(applied > 150 && exact >= 0.97 * applied, `${exact} of ${applied} in the very same order`)
})

const strategic = (document: JsonObject, patch: unknown) =>
  applyStrategicMergePatch('v1/Pod', document, patch)

t.test('strategic: directives', async (t) => {
  const containers: JsonObject[] = [{ name: 'a', image: 'x' }, { name: 'b' }]
  const volumes = [{ name: 'v', emptyDir: {} }]
  const document: JsonObject = { spec: { containers, volumes } }
  t.same(strategic(document, { spec: { containers: [{ $patch: 'delete', name: 'a' }] } }).spec, {
    volumes,
    containers: [{ name: 'b' }],
  })
  t.match(strategic(document, { spec: { containers: [{ $patch: 'replace' }, { name: 'c' }] } }), {
    spec: { containers: [{ name: 'c' }] },
  })
  t.same(strategic(document, { spec: { $patch: 'replace', nodeName: 'n' } }), { spec: { nodeName: 'n' } })
  t.same(strategic(document, { spec: { $patch: 'delete' } }), { spec: {} })
  const volume = { $retainKeys: ['name', 'secret'], name: 'v', secret: { secretName: 's' } }
  t.match(strategic(document, { spec: { volumes: [volume] } }), {
    spec: { volumes: [{ name: 'v', secret: { secretName: 's' }, emptyDir: undefined }] },
  })
  t.same(
    strategic(
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
    ),
    {
      metadata: { finalizers: ['b'] },
    },
  )
})

t.test('rule 34: podIPs merge by ip, and $patch: replace replaces them', async (t) => {
  const document = { status: { podIPs: [{ ip: '10.0.0.1' }] } }
  t.same(strategic(document, { status: { podIPs: [{ ip: '10.0.0.2' }] } }).status, {
    podIPs: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }],
  })
  t.same(strategic(document, { status: { podIPs: [{ $patch: 'replace' }, { ip: '10.0.0.2' }] } }).status, {
    podIPs: [{ ip: '10.0.0.2' }],
  })
})

t.test(
  'strategic: maps merge, atomic lists and unknown fields are replaced, other kinds are 415',
  async (t) => {
    t.same(
      applyStrategicMergePatch('v1/ConfigMap', { data: { a: '1', b: '2' } }, { data: { b: null, c: '3' } }),
      { data: { a: '1', c: '3' } },
    )
    t.same(strategic({ spec: { x: [1] } }, { spec: { x: [2] } }), { spec: { x: [2] } })
    t.same(
      strategic(
        { spec: { containers: [{ name: 'a', args: ['1'] }] } },
        { spec: { containers: [{ name: 'a', args: ['2'] }] } },
      ),
      { spec: { containers: [{ name: 'a', args: ['2'] }] } },
    )
    t.throws(() => applyStrategicMergePatch('example.com/v1/Foo', {}, {}), { code: 'unsupported_media_type' })
    t.throws(() => applyStrategicMergePatch('constructor', {}, {}), { code: 'unsupported_media_type' })
  },
)

t.test('strategic: malformed patches are refused, not guessed', async (t) => {
  const document = { spec: { containers: [{ name: 'a' }] }, metadata: { finalizers: ['a'] } }
  for (const patch of [
    [],
    'x',
    { $patch: 'merge' },
    { spec: { $patch: 5 } },
    { spec: { $retainKeys: 'x' } },
    { spec: { $retainKeys: ['a'], b: 1 } },
    { spec: { containers: [{ image: 'no key' }] } },
    { spec: { containers: [{ $patch: 'delete' }] } },
    { spec: { containers: [{ $patch: 'merge', name: 'a' }] } },
    { spec: { containers: ['a'] } },
    { spec: { containers: [null] } },
    { spec: { containers: [['a']] } },
    { spec: { '$setElementOrder/containers': 'x' } },
    { spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'a' }] } },
    { spec: { '$setElementOrder/containers': [{}] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': 'a' } },
  ]) {
    t.throws(() => strategic(document, patch), { code: /^(bad_request|invalid)$/ }, JSON.stringify(patch))
  }
})

t.test('RFC 6902: the operations, and its examples', async (t) => {
  const cases: [JsonValue, unknown[], JsonValue][] = [
    [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    [{ foo: ['a', 'b'] }, [{ op: 'add', path: '/foo/1', value: 'x' }], { foo: ['a', 'x', 'b'] }],
    [{ foo: ['a'] }, [{ op: 'add', path: '/foo/-', value: ['b'] }], { foo: ['a', ['b']] }],
    [{ foo: ['a'] }, [{ op: 'add', path: '/foo/1', value: 'b' }], { foo: ['a', 'b'] }],
    [{ a: 1, b: 2 }, [{ op: 'remove', path: '/b' }], { a: 1 }],
    [{ a: [1, 2, 3] }, [{ op: 'remove', path: '/a/1' }], { a: [1, 3] }],
    [{ a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
    [{ a: [1, 2] }, [{ op: 'replace', path: '/a/0', value: 9 }], { a: [9, 2] }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 1 } }], { b: 1 }],
    [{ a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
    [{ a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [{ '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [{ '': 1 }, [{ op: 'test', path: '/', value: 1 }], { '': 1 }],
    [{ a: { x: 1, y: [2] } }, [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }], { a: { x: 1, y: [2] } }],
  ]
  for (const [document, patch, result] of cases) {
    const before = JSON.stringify(document)
    t.same(applyJsonPatch(document, patch), result, JSON.stringify(patch))
    t.equal(JSON.stringify(document), before)
  }
})

t.test('RFC 6902: what does not fit is 422, what is malformed 400, and nothing is half done', async (t) => {
  const document = { a: [1, 2], o: { x: 1 }, s: 'text' }
  const misfits = [
    { op: 'test', path: '/a', value: [2, 1] },
    { op: 'test', path: '/s', value: 'x' },
    { op: 'remove', path: '/none' },
    { op: 'remove', path: '/a/2' },
    { op: 'remove', path: '/a/-' },
    { op: 'remove', path: '' },
    { op: 'replace', path: '/none', value: 1 },
    { op: 'add', path: '/a/3', value: 1 },
    { op: 'add', path: '/a/01', value: 1 },
    { op: 'add', path: '/a/-1', value: 1 },
    { op: 'add', path: '/a/x', value: 1 },
    { op: 'add', path: '/none/x', value: 1 },
    { op: 'add', path: '/s/0', value: 1 },
    { op: 'copy', from: '/none', path: '/b' },
    { op: 'move', from: '/o', path: '/o/x' },
    { op: 'add', path: '/toString/x', value: 1 },
    { op: 'test', path: '/__proto__', value: {} },
  ]
  for (const operation of misfits) {
    t.throws(() => applyJsonPatch(document, [operation]), { code: 'invalid' }, JSON.stringify(operation))
  }
  const malformed = [
    {},
    'x',
    null,
    { op: 'add', path: '/b' },
    { op: 'add', path: 'b', value: 1 },
    { op: 'add', path: 5, value: 1 },
    { op: 'add', path: '/~2', value: 1 },
    { op: 'copy', path: '/b' },
    { op: 'delete', path: '/a' },
  ]
  for (const operation of malformed) {
    t.throws(() => applyJsonPatch(document, [operation]), { code: 'bad_request' }, JSON.stringify(operation))
  }
  t.throws(() => applyJsonPatch(document, {}), { code: 'bad_request' })
  t.throws(() => applyJsonPatch(document, new Array(10_001).fill({ op: 'test', path: '', value: 1 })))
})

t.test('a short patch cannot fill the memory by copying, nor the stack by nesting', async (t) => {
  const doubling = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }))
  t.throws(() => applyJsonPatch({ a: ['x'] }, doubling), { code: 'bad_request' })
  const copies = Array.from({ length: 100 }, (_, i) => ({ op: 'copy', from: '/a', path: `/b${i}` }))
  t.throws(() => applyJsonPatch({ a: 'x'.repeat(100_000) }, copies), { code: 'bad_request' })
  const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)
  t.throws(() => applyMergePatch({}, deep), { code: 'bad_request' })
  t.throws(() => strategic({}, deep), { code: 'bad_request' })
  t.throws(() => applyJsonPatch({}, [{ op: 'add', path: '/a', value: deep }]), { code: 'bad_request' })
})

t.test('__proto__ in a patch is a field like any other, no prototype', async (t) => {
  const patch = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')
  const merged = applyMergePatch({}, patch) as JsonObject
  t.equal(merged['polluted'], undefined)
  t.ok(Object.hasOwn(merged, '__proto__'))
  t.equal(strategic({}, { metadata: patch })['polluted'], undefined)
  applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }])
  t.equal(({} as JsonObject)['polluted'], undefined)
})

t.test("RFC 7386: the appendix's cases", async (t) => {
  const cases: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ]
  for (const [target, patch, result] of cases) {
    t.same(applyMergePatch(JSON.parse(target), JSON.parse(patch)), JSON.parse(result), `${target} ${patch}`)
  }
})

t.test('a merge patch that was created leads from one to the other', async (t) => {
  const value = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
    value: fc.oneof(fc.constantFrom<JsonValue[]>(1, 'a', true, [1]), tie('object')),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  }))
  fc.assert(
    fc.property(value.object, value.object, (from, to) => {
      const patch = createMergePatch(from, to)
      return patch === undefined ? equalJson(from, to) : equalJson(applyMergePatch(from, patch), to)
    }),
  )
  t.pass('holds')
})

t.test('applyPatch takes the three media types, and only objects result', async (t) => {
  const options = { kind: 'v1/Pod', document: { a: 1 } as JsonObject }
  const contentType = 'Application/Merge-Patch+JSON; charset=utf-8'
  t.same(applyPatch({ ...options, contentType, patch: { b: 2 } }), { a: 1, b: 2 })
  for (const [contentType, patch, code] of [
    ['application/merge-patch+json', [], 'bad_request'],
    ['application/json-patch+json', [{ op: 'replace', path: '', value: [] }], 'bad_request'],
    ['application/apply-patch+yaml', {}, 'unsupported_media_type'],
    ['application/json', {}, 'unsupported_media_type'],
  ] as [string, JsonValue, string][]) {
    t.throws(() => applyPatch({ ...options, contentType, patch }), { code })
  }
})

t.test('G5: patches of long lists take seconds, not minutes', (t) => {
  const named = (prefix: string, length: number) =>
    Array.from({ length }, (_, index) => ({ name: `${prefix}${index}`, value: '' }))
  const pod = (env: object[]) => ({ kind: 'Pod', spec: { containers: [{ name: 'a', env }] } }) as JsonObject
  const strategic = (env: object[]) =>
    applyPatch({
      contentType: 'application/strategic-merge-patch+json',
      kind: 'v1/Pod',
      document: pod(named('a', 20_000)),
      patch: pod(env),
    })
  const start = performance.now()
  strategic(named('b', 40_000))
  strategic(named('b', 40_000).map(({ name }) => ({ name, $patch: 'delete' })))
  t.ok(performance.now() - start < 20_000)
  const shift = { op: 'add', path: '/list/0', value: 0 }
  const patch = [
    { op: 'add', path: '/list', value: new Array(100_000).fill(0) },
    ...new Array(100).fill(shift),
  ]
  t.throws(() => applyJsonPatch({}, patch), { code: 'bad_request' })
  t.equal((applyJsonPatch({}, patch.slice(0, 20)) as { list: JsonValue[] }).list.length, 100_019)
  t.end()
})
