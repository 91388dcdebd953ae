import type { ContainerStatus } from '../objects.ts'

const objectName = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?'
/** Kubelet's words for a reference that leads nowhere; only names and keys of the tenant's own are in them. */
const missingObject = new RegExp(`(secret|configmap) "(${objectName})" not found`)
const missingKey = /couldn't find key ([-._a-zA-Z0-9]{1,253}) in (Secret|ConfigMap) /
const backOff = /back-off ([0-9hms.]{1,16}) restarting failed container/
/** The runtime's word for a command that it could not start. */
const startFailure =
  /exec: "([^"\n]{1,256})": (executable file not found in \$PATH|stat [^:\n]{1,256}: no such file or directory|no such file or directory|permission denied|is a directory)/

const startReasons = new Set([
  'StartError',
  'ContainerCannotRun',
  'RunContainerError',
  'CreateContainerError',
])

/** The text of a waiting state, rebuilt from its reason and from the names that are the tenant's (rule 20). */
export function waitingMessage(
  waiting: { reason?: string; message?: string },
  status: ContainerStatus,
): string | undefined {
  const text = waiting.message ?? ''
  switch (waiting.reason) {
    case 'ImagePullBackOff':
      return `Back-off pulling image ${JSON.stringify(status.image ?? '')}`
    case 'ErrImagePull':
      return `Failed to pull image ${JSON.stringify(status.image ?? '')}`
    case 'ErrImageNeverPull':
      return `Container image ${JSON.stringify(status.image ?? '')} is not present with pull policy of Never`
    case 'InvalidImageName':
      return `Failed to apply default image tag ${JSON.stringify(status.image ?? '')}: the name is invalid`
    case 'CrashLoopBackOff': {
      const time = backOff.exec(text)?.[1]
      return `back-off ${time === undefined ? '' : `${time} `}restarting failed container=${status.name}`
    }
    case 'CreateContainerConfigError':
      return configError(text)
    default:
      return startReasons.has(waiting.reason ?? '') ? startError(text) : undefined
  }
}

/** A container's own termination message comes through; the runtime's text about one that never ran is rebuilt. */
export function terminatedMessage(terminated: { reason?: string; message?: string }): string | undefined {
  if (terminated.message === undefined) return undefined
  return startReasons.has(terminated.reason ?? '') ? startError(terminated.message) : terminated.message
}

function configError(text: string): string {
  const object = missingObject.exec(text)
  if (object !== null) return `${object[1]} "${object[2]}" not found`
  const key = missingKey.exec(text)
  if (key !== null) return `couldn't find key ${key[1]} in ${key[2]}`
  if (/runAsNonRoot|non-numeric user|run as root/.test(text)) {
    return 'container has runAsNonRoot and image will run as root'
  }
  return 'the container could not be configured'
}

function startError(text: string): string {
  const match = startFailure.exec(text)
  return match === null
    ? 'the container could not be started'
    : `failed to start container: exec: "${match[1]}": ${match[2]}`
}
