// Application Insights on a workspace of its own; telemetry is taken from identities only.
param workspaceName string
param componentName string
param location string
param tags object

@description('Days that telemetry is kept; 30 are included in the price of what is taken in.')
@minValue(30)
@maxValue(730)
param retentionDays int = 30

@description('GB a day after which no more is taken in until the next day; a bound for what an endless loop may cost.')
param dailyQuotaGb int = 1

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    retentionInDays: retentionDays
    sku: {
      name: 'PerGB2018'
    }
    workspaceCapping: {
      dailyQuotaGb: dailyQuotaGb
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

output name string = component.name
