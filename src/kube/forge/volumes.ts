import type { V1DownwardAPIVolumeFile, V1Volume, V1VolumeProjection } from '@kubernetes/client-node'
import { mapFieldRef } from './downward.ts'
import { configMapName, tokenSecretName } from './names.ts'
import { tokenKey } from './tokens.ts'

function mapItems(items: V1DownwardAPIVolumeFile[] | undefined): V1DownwardAPIVolumeFile[] | undefined {
  return items?.map((item) => (item.fieldRef ? { ...item, fieldRef: mapFieldRef(item.fieldRef) } : item))
}

function mapSource(
  podUid: string,
  volume: string,
  source: V1VolumeProjection,
  index: number,
): V1VolumeProjection {
  if (source.serviceAccountToken) {
    const { path } = source.serviceAccountToken
    return {
      secret: { name: tokenSecretName(podUid), items: [{ key: tokenKey(volume, index), path }] },
    }
  }
  if (source.configMap) {
    return { configMap: { ...source.configMap, name: configMapName(source.configMap.name ?? '') } }
  }
  if (source.downwardAPI) return { downwardAPI: { items: mapItems(source.downwardAPI.items) } }
  return source
}

/**
 * A volume as the data plane gets it. A ServiceAccount token becomes a Secret that the agent fills and renews, so
 * that the pod talks to its own cluster and the data plane's own token is never inside.
 */
export function mapVolume(podUid: string, volume: V1Volume): V1Volume {
  if (volume.configMap) {
    return { ...volume, configMap: { ...volume.configMap, name: configMapName(volume.configMap.name ?? '') } }
  }
  if (volume.downwardAPI) {
    return { ...volume, downwardAPI: { ...volume.downwardAPI, items: mapItems(volume.downwardAPI.items) } }
  }
  if (volume.projected) {
    const sources = volume.projected.sources?.map((source, index) =>
      mapSource(podUid, volume.name, source, index),
    )
    return { ...volume, projected: { ...volume.projected, sources } }
  }
  return volume
}
