import { agentSettings, readAgentConfig } from '../../agent/config.ts'
import { gatewaySettings, readGatewayConfig } from '../../gateway/config.ts'
import { readSandboxConfig, sandboxSettings } from '../../sandbox/config.ts'
import type { Service } from './service.ts'

/** What `isthmus` can run. */
export const services: readonly Service[] = [
  {
    name: 'gateway',
    description: 'run the Cluster Federation gateway',
    settings: gatewaySettings,
    read: readGatewayConfig,
    run: async (sources) => (await import('../../gateway/main.ts')).runGateway(sources),
    examples: `  isthmus gateway --dev
  isthmus gateway --database-url postgres://… --master-key-file keys --tls-cert tls.crt --tls-key tls.key`,
  },
  {
    name: 'agent',
    description: 'run the Virtual Kubelet agent of one virtual node',
    settings: agentSettings,
    read: readAgentConfig,
    run: async (sources) => (await import('../../agent/main.ts')).runAgent(sources),
    examples: `  isthmus agent --node-name east --gateway https://gateway:8443 --client-id … --client-secret-file secret --node-ip 10.0.0.7`,
  },
  {
    name: 'sandbox',
    description: 'run a Kubernetes API in one process, for laptops and tests; it does not isolate',
    settings: sandboxSettings,
    read: readSandboxConfig,
    run: async (sources) => (await import('../../sandbox/main.ts')).runSandbox(sources),
    examples: `  isthmus sandbox --role data-plane
  isthmus sandbox --role user-cluster --port 0 --identity system:node:east=system:nodes`,
  },
]
