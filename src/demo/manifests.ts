import type { V1Pod } from '@kubernetes/client-node'
import { NODE } from './stage.ts'

export const NAMESPACE = 'default'
const TAINT = 'isthmus.dev/virtual-node'

/** The page that the demo's pod serves: it reads its ConfigMap again for every request, so that an edit is seen. */
const SERVER = `
const { readFileSync } = require('node:fs')
const root = process.env.SANDBOX_ROOT
const read = (path) => readFileSync(root + path, 'utf8').trim()
require('node:http').createServer((request, response) => {
  response.end(JSON.stringify({ greeting: read('/etc/web/greeting'), secret: read('/etc/secret/password').length, from: process.env.FROM }))
}).listen(Number(process.env.PORT), '127.0.0.1')
let ticks = 0
setInterval(() => console.log('tick', ++ticks, new Date().toISOString()), 200)
`

/** A pod that lands on the virtual node: its selector, its toleration, and requests that the scheduler counts. */
export function podOnNode(name: string, container: object, volumes: object[] = []): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { app: name } },
    spec: {
      nodeSelector: { [TAINT]: NODE },
      tolerations: [{ key: TAINT, operator: 'Exists', effect: 'NoSchedule' }],
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'isthmus.dev/sandbox/node:24', ...container }],
      volumes,
    },
  } as V1Pod
}

/** The pod of the main job, with a ConfigMap and a Secret as volumes and one value as environment. */
export function webPod(port: number): V1Pod {
  const container = {
    command: ['node', '-e', SERVER],
    env: [
      { name: 'PORT', value: String(port) },
      { name: 'FROM', valueFrom: { configMapKeyRef: { name: 'web', key: 'from' } } },
    ],
    volumeMounts: [
      { name: 'config', mountPath: '/etc/web' },
      { name: 'secret', mountPath: '/etc/secret' },
    ],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
  }
  return podOnNode('web', container, [
    { name: 'config', configMap: { name: 'web' } },
    { name: 'secret', secret: { secretName: 'web' } },
  ])
}

/** A pod whose limits are over the tenant's quota; the scheduler looks at requests alone and binds it all the same. */
export function greedyPod(): V1Pod {
  return podOnNode('greedy', {
    command: ['node', '-e', 'setInterval(() => {}, 1000)'],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '6', memory: '128Mi' } },
  })
}
