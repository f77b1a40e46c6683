import { testRoundTrips } from './round-trip.ts'

await testRoundTrips('superuser')
