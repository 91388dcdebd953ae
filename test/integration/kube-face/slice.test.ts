import { eventually } from '../../support/eventually.ts'
import { startSandboxFace } from '../../support/kube-face.ts'
import t from '../../support/tap.ts'

t.test('namespace, secret, pod, watch and log in the tenant’s own names', async (t) => {
  const face = await startSandboxFace(t)
  const made = await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  t.equal(made.status, 201, made.text)
  t.equal(made.json.metadata.name, 'shop')

  const secret = await face.request('POST /api/v1/namespaces/shop/secrets', {
    body: { metadata: { name: 'key' }, stringData: { a: 'b' } },
  })
  t.equal(secret.status, 201, secret.text)
  t.equal(secret.json.metadata.namespace, 'shop')

  const watch = await face.stream('/api/v1/pods?watch=true')
  t.equal(watch.status, 200)
  const pod = await face.request('POST /api/v1/namespaces/shop/pods', {
    body: {
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', 'echo hello; sleep 60'] }],
      },
    },
  })
  t.equal(pod.status, 201, pod.text)
  t.equal(pod.json.metadata.namespace, 'shop')
  t.equal(pod.json.spec.dnsPolicy, 'ClusterFirst')
  await eventually('the pod runs', () =>
    watch
      .events()
      .some((event) => event.object.status?.phase === 'Running' && event.object.spec.nodeName === 'virtual'),
  )
  const log = await eventually('the log is there', async () => {
    const answer = await face.request('GET /api/v1/namespaces/shop/pods/web/log')
    return answer.text.includes('hello') ? answer : undefined
  })
  t.equal(log.status, 200)
  const list = await face.request('GET /api/v1/pods')
  t.same(
    list.json.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['web'],
  )
  const gone = await face.request('DELETE /api/v1/namespaces/shop/pods/web?gracePeriodSeconds=1')
  t.equal(gone.status, 200, gone.text)
  await eventually('the watch tells of the end', () =>
    watch.events().some((event) => event.type === 'DELETED'),
  )
  t.same(face.leaks, [])
})
