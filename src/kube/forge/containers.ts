import type { V1Container, V1EnvVar, V1EphemeralContainer, V1Pod } from '@kubernetes/client-node'
import { mapFieldRef } from './downward.ts'
import { configMapName, MASTER_ENV, SERVICE_ENV } from './names.ts'
import { plainSubPaths } from './sub-paths.ts'

function mapEnv(variable: V1EnvVar): V1EnvVar {
  const { valueFrom } = variable
  if (valueFrom?.fieldRef) {
    return { ...variable, valueFrom: { ...valueFrom, fieldRef: mapFieldRef(valueFrom.fieldRef) } }
  }
  if (valueFrom?.configMapKeyRef) {
    const name = configMapName(valueFrom.configMapKeyRef.name ?? '')
    return {
      ...variable,
      valueFrom: { ...valueFrom, configMapKeyRef: { ...valueFrom.configMapKeyRef, name } },
    }
  }
  return variable
}

/**
 * A container as the data plane gets it: everything as the user wrote it, references renamed, and the service
 * environment as the **first** source of envFrom, since a user's own envFrom or env may override it (rule 40).
 */
export function mapContainer<C extends V1Container | V1EphemeralContainer>(pod: V1Pod, container: C): C {
  const serviceEnv = pod.spec?.enableServiceLinks === false ? MASTER_ENV : SERVICE_ENV
  return {
    ...container,
    env: container.env?.map(mapEnv),
    volumeMounts: plainSubPaths(pod, container),
    envFrom: [
      { configMapRef: { name: serviceEnv } },
      ...(container.envFrom ?? []).map((source) =>
        source.configMapRef
          ? {
              ...source,
              configMapRef: { ...source.configMapRef, name: configMapName(source.configMapRef.name ?? '') },
            }
          : source,
      ),
    ],
  }
}
