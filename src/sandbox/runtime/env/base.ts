import type { KubeObject, ResourceStore } from '../../store/types.ts'
import type { Pod } from '../types.ts'

interface Service extends KubeObject {
  spec?: { clusterIP?: string; ports?: { name?: string; protocol?: string; port: number }[] }
}

/** The variables of one Service (pkg/kubelet/envvars): host, port, named ports and Docker's links. */
export function serviceVariables(service: Service): Record<string, string> {
  const { clusterIP, ports = [] } = service.spec ?? {}
  const first = ports[0]
  if (!clusterIP || clusterIP === 'None' || !first) return {}
  const upper = (name: string) => name.toUpperCase().replaceAll('-', '_')
  const prefix = upper(service.metadata.name)
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: clusterIP,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
  }
  const url = (port: { protocol?: string; port: number }) =>
    `${(port.protocol ?? 'TCP').toLowerCase()}://${clusterIP}:${port.port}`
  env[`${prefix}_PORT`] = url(first)
  for (const port of ports) {
    const protocol = port.protocol ?? 'TCP'
    const link = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`
    if (port.name) env[`${prefix}_SERVICE_PORT_${upper(port.name)}`] = String(port.port)
    env[link] = url(port)
    env[`${link}_PROTO`] = protocol.toLowerCase()
    env[`${link}_PORT`] = String(port.port)
    env[`${link}_ADDR`] = clusterIP
  }
  return env
}

export interface BaseEnvOptions {
  pod: Pod
  store: Pick<ResourceStore, 'list'>
  /** The container's root directory: its cwd unless it has a workingDir. */
  root: string
  terminationLog: string
  path: string
  apiServer: { host: string; port: number } | undefined
}

/**
 * What a container finds in its environment beside its own: nothing of the sandbox's own environment, so that no
 * credential of whoever started it leaks into a pod.
 */
export function baseEnv(options: BaseEnvOptions): Record<string, string> {
  const { pod, apiServer } = options
  const env: Record<string, string> = {
    PATH: options.path,
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name.slice(0, 63),
    HOME: options.root,
    SANDBOX_ROOT: options.root,
    SANDBOX_TERMINATION_LOG: options.terminationLog,
  }
  if (pod.spec.enableServiceLinks !== false) {
    const { items } = options.store.list<Service>('services', { namespace: pod.metadata.namespace })
    for (const service of items) Object.assign(env, serviceVariables(service))
  }
  if (apiServer) {
    const ports = [{ name: 'https', port: apiServer.port }]
    const kubernetes = { metadata: { name: 'kubernetes' }, spec: { clusterIP: apiServer.host, ports } }
    Object.assign(env, serviceVariables(kubernetes as unknown as Service))
  }
  return env
}
