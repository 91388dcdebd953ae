/** Signals a whole process group; a group that is gone is fine. */
export function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // EPERM is macOS' answer for a group of which only a zombie is left
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}
