/** A volume can not be set up yet: the containers wait, a FailedMount event says this text, and it is tried again. */
export class MountError extends Error {
  constructor(volume: string, message: string) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${message}`)
    this.name = 'MountError'
  }
}
