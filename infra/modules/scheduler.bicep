// The variant: Durable Task Scheduler keeps the task hub, instead of the storage account. See docs/deploying.md.
param name string
param location string
param tags object
param appPrincipalId string
param appClientId string

@description('The hub that host.json names.')
param taskHubName string = 'DailyScrape'

@description('Consumption is paid by action, Dedicated by hour.')
@allowed([
  'Consumption'
  'Dedicated'
])
param skuName string = 'Consumption'

// Built-in roles have the same ID everywhere.
var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // Instances of Flex Consumption have no fixed addresses; whoever comes must sign in.
    ipAllowlist: [
      '0.0.0.0/0'
    ]
    sku: skuName == 'Dedicated' ? {
      name: skuName
      capacity: 1
    } : {
      name: skuName
    }
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: taskHubName
}

resource appOnScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(scheduler.id, appPrincipalId, durableTaskDataContributor)
  scope: scheduler
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

@description('An address and who signs in there; nothing in it is secret.')
output endpointByIdentity string = 'Endpoint=${scheduler.properties.endpoint};Authentication=ManagedIdentity;ClientID=${appClientId}'
output taskHubName string = taskHub.name
