// /openapi/v2, which client-go reads as protobuf alone: kubectl 1.36 validates the items of a `v1 List` by it, Helm all
// that it sends. With a kubectl installed, test/integration/kube-face/kubectl.test.ts shows that it reads it.
import { servedResources } from '../../../src/gateway/kubernetes/resources.ts'
import { type Loose, startFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t from '../../support/tap.ts'

t.test(
  'rule 23: /openapi/v2 has every kind that is served, as JSON and as the protobuf of client-go',
  async (t) => {
    const upstream = await startRecordingUpstream(t)
    const face = await startFace(t, { client: upstream.client })
    face.fakes.addNode()
    const get = (headers: Record<string, string> = {}) => face.request('GET /openapi/v2', { headers })
    const { json, headers } = await get()
    t.equal(headers['content-type'], 'application/json')
    t.equal(json.swagger, '2.0')
    const kinds = Object.values<Loose>(json.definitions).flatMap(
      (one) => one['x-kubernetes-group-version-kind'] ?? [],
    )
    for (const { group, version, kind } of servedResources) {
      t.ok(
        kinds.some((one) => one.group === group && one.version === version && one.kind === kind),
        kind,
      )
    }
    const used = JSON.stringify(json).match(/"\$ref":"[^"]+"/g) ?? []
    const unknown = used.filter(
      (one) => json.definitions[one.slice(8 + '#/definitions/'.length, -1)] === undefined,
    )
    t.same(unknown, [], 'every reference leads somewhere')
    const { patch } = json.paths['/api/v1/namespaces/{namespace}/pods/{name}']
    t.ok(patch.parameters.some((one: Loose) => one.name === 'fieldValidation' && one.type === 'string'))

    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
    const binary = await fetch(`${face.url}/openapi/v2`, {
      headers: { accept, authorization: `Bearer ${face.fakes.addNode().token}` },
    })
    t.equal(binary.headers.get('content-type'), 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
    const document = fieldsOf(Buffer.from(await binary.arrayBuffer()))
    t.equal(document.find(([number]) => number === 1)?.[1].toString(), '2.0')
    const named = (number: number) =>
      fieldsOf(document.find((field) => field[0] === number)?.[1] ?? Buffer.alloc(0)).map(([, one]) =>
        fieldsOf(one)[0]?.[1].toString(),
      )
    t.same(named(9), Object.keys(json.definitions), 'Document.definitions')
    t.same(named(8), Object.keys(json.paths), 'Document.paths')

    const etag = String(headers.etag)
    t.equal((await get({ 'if-none-match': etag })).status, 304)
    t.equal((await get({ 'if-none-match': etag, accept })).status, 200, 'the other form has another tag')
    t.equal((await get({ accept: 'text/html' })).status, 406)
    t.equal((await get({ authorization: '' })).status, 401)
  },
)

/** The length-delimited fields of one protobuf message, in their order. */
function fieldsOf(message: Buffer): [number, Buffer][] {
  const fields: [number, Buffer][] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    const value = varint()
    if ((key & 7) !== 2) continue
    fields.push([key >> 3, message.subarray(at, at + value)])
    at += value
  }
  return fields
}
