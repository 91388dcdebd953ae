import { stringify } from 'yaml'
import { TAINT_KEY } from '../../agent/node/node-object.ts'

/** A Deployment that lands on the virtual node: the toleration lets it, the selector makes it. */
export function sampleDeployment(nodeName: string, image: string): string {
  const labels = { app: 'hello-isthmus' }
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'hello-isthmus' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { [TAINT_KEY]: nodeName },
          tolerations: [{ key: TAINT_KEY, operator: 'Equal', value: nodeName, effect: 'NoSchedule' }],
          containers: [
            {
              name: 'hello',
              image,
              command: ['sh', '-c', 'while true; do echo "hello from $(hostname)"; sleep 5; done'],
              resources: { requests: { cpu: '100m', memory: '64Mi' } },
            },
          ],
        },
      },
    },
  }
  return stringify(deployment, { aliasDuplicateObjects: false })
}
