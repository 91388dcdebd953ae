/**
 * A container can not be made yet because of what it refers to: it waits with `reason` and `message`, and is tried
 * again. The message is a kubelet's, since people and programs look for it.
 */
export class ContainerConfigError extends Error {
  readonly reason: string

  constructor(message: string, reason = 'CreateContainerConfigError') {
    super(message)
    this.name = 'ContainerConfigError'
    this.reason = reason
  }
}
