import { startFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t from '../../support/tap.ts'

t.test('an item that is remembered is still asked about: whose is its namespace now?', async (t) => {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode()
  const namespace = face.fakes.addNamespace(principal.nodeId, 'shop')
  const labels = { 'isthmus.dev/node': principal.nodeId }
  const metadata = {
    name: 'web',
    namespace: namespace.physicalName,
    uid: 'u1',
    resourceVersion: '5',
    labels,
  }
  const pod = { metadata, spec: { containers: [{ name: 'main', image: 'app:1' }] }, status: {} }
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '9' }, items: [pod] }
  // One line, as an API server writes it: what is known is told by its beginning and its length.
  upstream.on('GET /api/v1/pods', (response) => response.end(`${JSON.stringify(list)}\n`))
  for (const time of ['read', 'remembered']) {
    const { json } = await face.request('GET /api/v1/pods')
    t.equal(json.items[0]?.metadata.namespace, 'shop', time)
  }
  namespace.nodeId = 'another-node'
  const { text } = await face.request('GET /api/v1/pods')
  t.notMatch(text, /shop/)
})
