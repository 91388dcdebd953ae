import { type Loose, startFace, startSandboxFace } from './kube-face.ts'
import { startRecordingUpstream } from './recording-upstream.ts'
import type { Test } from './tap.ts'

/** A pod that sleeps and ends at once when told to. */
export const pod = (name: string, metadata: object = {}, spec: object = {}) => ({
  metadata: { name, ...metadata },
  spec: {
    containers: [
      { name: 'main', image: 'busybox', command: ['sh', '-c', 'trap "exit 0" TERM; sleep 60 & wait'] },
    ],
    ...spec,
  },
})

/** A face on a sandbox with the namespace `shop`. */
export async function onSandbox(t: Test) {
  const face = await startSandboxFace(t)
  const made = await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  t.equal(made.status, 201, made.text)
  const physical = () => face.fakes.directory.namespace(face.nodeId, 'shop')?.physicalName ?? ''
  const upstreamPod = (name: string) =>
    face.client.json<Loose>({ method: 'GET', path: ['api', 'v1', 'namespaces', physical(), 'pods', name] })
  return { face, upstreamPod, path: '/api/v1/namespaces/shop/pods' }
}

/** A stub that answers like an API server with one pod; what it is asked is recorded. */
export async function onStub(t: Test) {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode()
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  const there: Loose = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: physicalName,
      uid: 'u1',
      resourceVersion: '5',
      labels: {
        'isthmus.dev/node': principal.nodeId,
        'isthmus.dev/tenant': principal.tenantId,
        app: 'web',
        mesh: 'on',
      },
      annotations: {
        'isthmus.dev/asked': JSON.stringify({ labels: ['app'], containers: ['main'], volumes: ['data'] }),
        'isthmus.dev/namespace': 'shop',
        'cni.example/ips': '10.1.2.3',
      },
    },
    spec: {
      nodeName: 'machine-7',
      priority: 1000,
      dnsPolicy: 'Default',
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      containers: [
        { name: 'sidecar', image: 'mesh' },
        {
          name: 'main',
          image: 'a',
          volumeMounts: [
            { name: 'certs', mountPath: '/c' },
            { name: 'data', mountPath: '/d' },
          ],
        },
      ],
      volumes: [{ name: 'certs' }, { name: 'data', emptyDir: {} }],
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'sidecar' }, { name: 'main', ready: true }] },
  }
  const base = `/api/v1/namespaces/${physicalName}/pods`
  upstream.on(`GET ${base}/web`, { json: there })
  const echo = (response: Loose, request: Loose) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(request.body)
  upstream.on(`PUT ${base}/web`, echo)
  upstream.on(`POST ${base}`, echo)
  const writes = () => upstream.requests.filter((request) => request.method !== 'GET')
  return {
    upstream,
    face,
    principal,
    physicalName,
    there,
    base,
    writes,
    path: '/api/v1/namespaces/shop/pods/web',
  }
}
