import { onSandbox, onStub, pod } from '../../support/face-pods.ts'
import t from '../../support/tap.ts'

const APPLY = 'application/apply-patch+yaml'
const status = (code: number, reason: string) => ({
  status: code,
  json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason },
})

t.test(
  'rule 14: an object that comes between look and apply is judged, pinned and charged to nobody twice',
  async (t) => {
    const { upstream, face, there, base, path, writes } = await onStub(t)
    let seen = 0
    upstream.on(`GET ${base}/web`, (response) => {
      seen += 1
      const answer = seen === 1 ? status(404, 'NotFound') : { status: 200, json: there }
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.json))
    })
    // As an API server: whatever version is named, a missing object is made; one that is there has to have it.
    upstream.on(`PATCH ${base}/web`, (response, request) => {
      const { resourceVersion } = JSON.parse(request.body).metadata
      const fits = resourceVersion === undefined || resourceVersion === there.metadata.resourceVersion
      const answer = fits ? { status: 200, json: there } : status(409, 'Conflict')
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.json))
    })
    const config = { apiVersion: 'v1', kind: 'Pod', ...pod('web', {}, { terminationGracePeriodSeconds: 5 }) }
    const answer = await face.request(`PATCH ${path}?fieldManager=me`, { contentType: APPLY, body: config })
    const [first, dry, real] = writes().map(({ url, body }) => ({ url, sent: JSON.parse(body).metadata }))
    t.ok(first?.sent.resourceVersion, 'the first is for a pod that is not there')
    t.match(dry?.url ?? '', 'dryRun=All', 'and what was there after all is judged like any change')
    t.match(dry?.sent, { uid: 'u1', resourceVersion: '5' })
    if (answer.status === 200) t.match(real?.sent, { uid: 'u1', resourceVersion: '5' })
    t.same(
      [...face.fakes.ledger.values()].map((one) => one.state),
      ['released'],
      'the reservation of a pod that was not made is given back',
    )
  },
)

t.test(
  'rule 14: applies and creates of one name at once make one pod, one charge and no second owner',
  async (t) => {
    const { face, upstreamPod, path } = await onSandbox(t)
    face.fakes.hard.set('pods', 8_000n)
    for (let round = 0; round < 5; round++) {
      const name = `web-${round}`
      const make = (apply: boolean) =>
        apply
          ? face.request(`PATCH ${path}/${name}?fieldManager=me`, {
              contentType: APPLY,
              body: { apiVersion: 'v1', kind: 'Pod', ...pod(name, { labels: { by: 'apply' } }) },
            })
          : face.request(`POST ${path}`, { body: pod(name, { labels: { by: 'create' } }) })
      const answers = await Promise.all([true, false, true, false, true].map(make))
      const codes = answers.map((one) => one.status)
      t.equal(codes.filter((code) => code === 201).length, 1, codes.join())
      t.ok(
        codes.every((code) => [200, 201, 409].includes(code)),
        codes.join(),
      )
      const held = [...face.fakes.ledger.entries()].filter(
        ([, one]) => one.request.name === name && one.state !== 'released',
      )
      t.equal(held.length, 1)
      t.equal(held[0]?.[1].state, 'committed')
      const there = await upstreamPod(name)
      t.equal(
        there.metadata.labels['isthmus.dev/reservation'],
        held[0]?.[0],
        'the pod carries its own charge',
      )
    }
  },
)

t.test('rule 14: a configuration in YAML is taken, and nothing in it but YAML', async (t) => {
  const { face, path } = await onSandbox(t)
  const apply = (body: string) =>
    face.request(`PATCH ${path}/web?fieldManager=me`, { contentType: APPLY, body })
  const text = `
# as written by hand
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: { app: "web" }
spec:
  containers:
    - name: main
      image: busybox
      command: [sh, -c, sleep 60]
`
  const made = await apply(text)
  t.equal(made.status, 201, made.text)
  t.equal(made.json.spec.containers[0].command[2], 'sleep 60')
  t.equal((await apply(text.replace('"web"', '"shop"'))).json.metadata.labels.app, 'shop')
  for (const [body, why] of [
    ['a: &a [x]\nb: [*a, *a]', /error decoding YAML: an?/],
    [`${text}kind: Secret\n`, /duplicate key "kind"/],
    [`${text}---\n${text}`, /more than one document/],
    ['[', /error decoding YAML/],
    ['just words', /not an object/],
    ['', /not an object/],
  ] as const) {
    const refused = await apply(body)
    t.equal(refused.status, 400, body)
    t.match(refused.json.message, why)
  }
  const long = await apply(`${text}# ${'x'.repeat(64 * 1024)}\n`)
  t.equal(long.status, 413)
  t.match(long.json.message, 'send a larger one as JSON')
})

t.test('B5: an apply names no key of the gateway’s, on an object that is there either', async (t) => {
  const { face, upstreamPod, path } = await onSandbox(t)
  await face.request(`POST ${path}`, { body: pod('web') })
  const before = await upstreamPod('web')
  for (const metadata of [
    { labels: { 'isthmus.dev/node': 'other' } },
    { labels: { 'isthmus.dev/anything': 'x' } },
    { annotations: { 'isthmus.dev/owner-references': '[]' } },
  ]) {
    const config = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', ...metadata } }
    const answer = await face.request(`PATCH ${path}/web?fieldManager=me`, {
      contentType: APPLY,
      body: config,
    })
    t.equal(answer.status, 422, answer.text)
  }
  t.same((await upstreamPod('web')).metadata.labels, before.metadata.labels)
})
