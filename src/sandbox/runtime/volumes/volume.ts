import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { V1ProjectedVolumeSource, V1Volume } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import { type Payload, writeAtomically } from './atomic-writer.ts'
import { MountError } from './mount-error.ts'
import { addConfigMap, addDownward, addSecret, checkedPath, type SourceContext } from './sources.ts'
import type { PodTokens } from './tokens.ts'

/** core/v1 default of `defaultMode`. */
const DEFAULT_MODE = 0o644

export interface VolumeContext extends SourceContext {
  /** The pod's `volumes` directory. */
  dir: string
  tokens: PodTokens
  clock: Clock
}

async function project(source: V1ProjectedVolumeSource, context: VolumeContext): Promise<Payload> {
  const payload: Payload = new Map()
  const mode = source.defaultMode ?? DEFAULT_MODE
  for (const part of source.sources ?? []) {
    if (part.configMap) addConfigMap(payload, part.configMap, mode, context)
    else if (part.secret) addSecret(payload, part.secret, mode, context)
    else if (part.downwardAPI) addDownward(payload, part.downwardAPI.items ?? [], mode, context)
    else if (part.serviceAccountToken) {
      const data = Buffer.from(await context.tokens.get(context.pod, part.serviceAccountToken))
      payload.set(checkedPath(part.serviceAccountToken.path), { data, mode })
    } else throw new Error(`the sandbox does not project ${Object.keys(part).join(', ')}`)
  }
  return payload
}

async function payloadOf(volume: V1Volume, context: VolumeContext): Promise<Payload | undefined> {
  const payload: Payload = new Map()
  if (volume.configMap) {
    addConfigMap(payload, volume.configMap, volume.configMap.defaultMode ?? DEFAULT_MODE, context)
  } else if (volume.secret) {
    const { secretName, items, optional, defaultMode } = volume.secret
    addSecret(payload, { name: secretName, items, optional }, defaultMode ?? DEFAULT_MODE, context)
  } else if (volume.downwardAPI) {
    const { items, defaultMode } = volume.downwardAPI
    addDownward(payload, items ?? [], defaultMode ?? DEFAULT_MODE, context)
  } else if (volume.projected) {
    return project(volume.projected, context)
  } else {
    return undefined
  }
  return payload
}

/**
 * Makes a volume's directory true to its sources; called again whenever one of them may have changed.
 * @throws MountError for what is missing, or what the sandbox does not have.
 */
export async function syncVolume(volume: V1Volume, context: VolumeContext): Promise<void> {
  const dir = join(context.dir, volume.name)
  try {
    const payload = await payloadOf(volume, context)
    if (payload) {
      await writeAtomically(dir, payload, context.clock.now())
    } else if (volume.emptyDir) {
      await mkdir(dir, { recursive: true })
      await chmod(dir, 0o777)
    } else {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'no source'
      throw new Error(`the sandbox has no volumes of the kind ${kind}`)
    }
  } catch (error) {
    throw new MountError(volume.name, (error as Error).message)
  }
}
