export * from './client/index.ts'
export * from './effective-requests.ts'
export * from './names.ts'
export * from './quantity.ts'
