import type { V1EnvVar } from '@kubernetes/client-node'
import type { KubeObject, ResourceStore } from '../../store/types.ts'
import type { ContainerSpec, Pod } from '../types.ts'
import { ContainerConfigError } from './config-error.ts'
import { expand } from './expand.ts'
import { type FieldContext, resolveFieldRef } from './field-ref.ts'
import { resolveResourceField } from './resource-field.ts'

export interface EnvInput {
  pod: Pod
  container: ContainerSpec
  /** Read for ConfigMaps and Secrets of the pod's namespace. */
  store: Pick<ResourceStore, 'get'>
  context: FieldContext
  /** What a resourceFieldRef of an unset limit falls back to (a kubelet: the node's allocatable). */
  allocatable: Record<string, string>
  /** Lowest priority: service links and what the runtime itself adds. */
  base: Record<string, string>
}

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

interface Secret extends KubeObject {
  data?: Record<string, string>
}

const decode = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')

function read<T>(input: EnvInput, kind: 'configmap' | 'secret', name: string, optional?: boolean) {
  const namespace = input.pod.metadata.namespace
  const found = input.store.get<T>(`${kind}s`, { namespace, name })
  if (!found && !optional) throw new ContainerConfigError(`${kind} "${name}" not found`)
  return found
}

/** `envFrom`: all keys of a ConfigMap or Secret, names kept as they are (RelaxedEnvironmentVariableValidation, GA in 1.34). */
function fromSources(input: EnvInput): Map<string, string> {
  const env = new Map<string, string>()
  for (const source of input.container.envFrom ?? []) {
    const prefix = source.prefix ?? ''
    if (source.configMapRef) {
      const { name = '', optional } = source.configMapRef
      const found = read<ConfigMap>(input, 'configmap', name, optional)
      for (const [key, value] of Object.entries(found?.data ?? {})) env.set(prefix + key, value)
    } else if (source.secretRef) {
      const { name = '', optional } = source.secretRef
      const found = read<Secret>(input, 'secret', name, optional)
      for (const [key, value] of Object.entries(found?.data ?? {})) env.set(prefix + key, decode(value))
    }
  }
  return env
}

/** The value of one `valueFrom`; undefined where an optional reference is missing: the variable is then not set. */
function fromReference(input: EnvInput, variable: V1EnvVar): string | undefined {
  const from = variable.valueFrom!
  const { pod, container } = input
  const namespace = pod.metadata.namespace
  if (from.fieldRef) return resolveFieldRef(pod, from.fieldRef.fieldPath, input.context)
  if (from.resourceFieldRef) {
    return resolveResourceField(pod, from.resourceFieldRef, container.name, input.allocatable)
  }
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef
    const found = read<ConfigMap>(input, 'configmap', name, optional)
    const value = found?.data?.[key]
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`)
    }
    return value
  }
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef
    const found = read<Secret>(input, 'secret', name, optional)
    const value = found?.data?.[key]
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`)
    }
    return value === undefined ? undefined : decode(value)
  }
  throw new ContainerConfigError(`the sandbox does not serve this source of env ${variable.name}`)
}

/**
 * A container's environment in a kubelet's order: the base, over it `envFrom`, over it `env`, each of which sees what
 * came before it in `$(NAME)`. @throws ContainerConfigError while something mandatory is missing.
 */
export function resolveEnv(input: EnvInput): Record<string, string> {
  const env = fromSources(input)
  const lookup = (name: string) => env.get(name) ?? input.base[name]
  for (const variable of input.container.env ?? []) {
    const value = variable.valueFrom ? fromReference(input, variable) : expand(variable.value ?? '', lookup)
    if (value !== undefined) env.set(variable.name, value)
  }
  return { ...input.base, ...Object.fromEntries(env) }
}
