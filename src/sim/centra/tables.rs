//! The shop's types, filters, sort orders and permissions, as tables.

/// One line per type; `name:Type` is an object, `name:[Type]` a list, a bare name a scalar. Arguments in brackets.
pub(super) const TYPES: &str = "
Query: warehouses(where=WarehouseFilter,sort=WarehouseSort,limit,page):[Warehouse] products(where=ProductFilter,sort=ProductSort,limit,page):[Product] productVariants(where=VariantFilter,sort=VariantSort,limit,page):[ProductVariant] productSizes(where=SizeFilter,sort=SizeSort,limit,page):[ProductSize] orders(where=OrderFilter,sort=OrderSort,limit,page):[Order] stockChanges(where=StockChangeFilter,sort=StockChangeSort,limit,page):[StockChange] orderConnection(where=OrderFilter,sort=OrderSort,first,after):OrderConnection shipments(where=ShipmentFilter,sort=IdSort,limit,page):[Shipment] returns(where=ReturnFilter,sort=IdSort,limit,page):[Return] events(where=EventFilter,limit,page):[Event] stores(limit,page):[Store] markets(limit,page):[Market] paymentMethods(limit,page):[PaymentMethod] counters:Counters rateLimits:[RateLimit]
Mutation: setStock(input):StockSetPayload changeStock(input):StockChangePayload confirmOrder(input):OrderPayload updateDirectToConsumerOrder(order,input):OrderPayload resumeDirectToConsumerOrder(order):OrderPayload cancelDirectToConsumerOrder(id,input):OrderPayload setOrdersLock(input):OrdersPayload allocateOrder(input):OrderPayload createShipment(input):ShipmentPayload completeShipment(id,input):ShipmentPayload updateShipment(id,input):ShipmentPayload deleteShipment(id):OrderPayload captureShipment(id):CapturePayload captureOrder(order):CapturePayload createReturn(input):ReturnPayload completeReturn(id,input):ReturnPayload uncompleteReturn(id):ReturnPayload deleteReturn(id):ReturnPayload refundReturn(id,input):RefundPayload updateProduct(id,input):ProductPayload updateProductVariant(id,input):VariantPayload updateProductSize(id,input):SizePayload setEventListeners(input):ListenersPayload unsetEventListeners(input):ListenersPayload confirmEvents(input):ConfirmPayload
OrderPayload: order:Order userErrors:[UserError] userWarnings:[UserError]
OrdersPayload: orders:[Order] userErrors:[UserError] userWarnings:[UserError]
ShipmentPayload: shipment:Shipment userErrors:[UserError] userWarnings:[UserError]
CapturePayload: order:Order shipment:Shipment paymentHistoryEntry:Payment userErrors:[UserError] userWarnings:[UserError]
ReturnPayload: return:Return userErrors:[UserError] userWarnings:[UserError]
RefundPayload: return:Return paymentHistoryEntry:Payment paymentHistoryEntries:[Payment] userErrors:[UserError] userWarnings:[UserError]
ProductPayload: product:Product userErrors:[UserError] userWarnings:[UserError]
VariantPayload: productVariant:ProductVariant userErrors:[UserError] userWarnings:[UserError]
SizePayload: productSize:ProductSize userErrors:[UserError] userWarnings:[UserError]
ListenersPayload: eventListeners:[EventListener] userErrors:[UserError] userWarnings:[UserError]
ConfirmPayload: userErrors:[UserError] userWarnings:[UserError]
EventListener: objectType changeTypes
Event: id objectType changeType objectReference createdAt store:Store market:Market object:EventObject
EventObject: __typename
OrderConnection: totalCount edges:[OrderEdge] pageInfo:PageInfo
OrderEdge: cursor node:Order
PageInfo: hasPreviousPage hasNextPage startCursor endCursor
Shipment: id number isGoodToGo isPrinted isShipped isOnHold isPaid paidAt isCaptured capturedAt capturedValue:Money shippedAt createdAt updatedAt grandTotal:Money trackingNumber store:Store order:Order lines:[ShipmentLine]
DirectToConsumerShipment: =Shipment
ShipmentLine: id quantity returnedQuantity lineValue:Money unitPrice:Money orderLine:OrderLine
Return: id returnStatus status createdAt totalQuantity grandTotal(includingTax):Money returnedToStock comment externalId currencyBaseRate store:Store order:Order shipment:Shipment returnWarehouse:Warehouse lines:[ReturnLine] totals:ReturnTotals refundPaymentHistory:[Payment]
DirectToConsumerReturn: =Return
ReturnLine: id quantity lineValue:Money unitPrice:Money orderLine:OrderLine shipmentLine:ShipmentLineShort
ShipmentLineShort: id quantity returnedQuantity
ReturnTotals: quantity lineValues:Money shipping:Money returnCost:Money handling:Money discounts:Money
Market: id name
StockSetPayload: stockChanges:[StockChange] userErrors:[UserError] userWarnings:[UserError]
StockChangePayload: stockChange:StockChange userErrors:[UserError] userWarnings:[UserError]
UserError: message path
RateLimit: type intervalSeconds quota usedQuota remainingQuota
Counters: products(where=ProductFilter) productVariants(where=VariantFilter) productSizes(where=SizeFilter) orders(where=OrderFilter)
Warehouse: id name status stockMaster stockOwnership allocationPolicy isHiddenFromStockView isConsignation threshold brickAndMortar:Named stock(where=StockFilter,sort=StockSort,limit,page):[Stock] stockTotals(where=StockTotalsFilter):StockTotals
Stock: productSize:ProductSize warehouse:Warehouse physicalQuantity allocatedQuantity freeToAllocateQuantity demandQuantity availableNowQuantity availableQuantity unshippedQuantity incomingQuantity
StockTotals: physicalQuantity allocatedQuantity freeToAllocateQuantity demandQuantity availableNowQuantity availableQuantity unshippedQuantity incomingQuantity
Named: id name
Product: id name status productNumber isBundle isSerializableProduct createdAt updatedAt brand:Named variants(where=VariantFilter,sort=VariantSort,limit,page):[ProductVariant]
ProductVariant: id name status variantNumber updatedAt unitCost:Money product:Product productSizes(where=SizeFilter,sort=SizeSort,limit,page):[ProductSize]
ProductSize: id description sizeNumber SKU EAN UPC preorder isActive updatedAt productVariant:ProductVariant stock(where=StockFilter,sort=StockSort,limit,page):[Stock] stockTotals(where=StockTotalsFilter):StockTotals
Money: value formattedValue conversionRate currency:Currency
Currency: id code
Order: id number status isOnHold isLocked createdAt updatedAt orderDate currencyBaseRate internalComment otherComment externalId store:Store market:Named pricelist:Named country:Country grandTotal(includingTax):Money totals:OrderTotals shippingPriceGroup:ShippingPriceGroup paymentMethod:PaymentMethod paymentHistory(where=PaymentFilter):[Payment] lines(includeFullyCancelled):[OrderLine] shippingAddress:Address billingAddress:Address
DirectToConsumerOrder: =Order customer:Customer
Store: id name type
Country: code name
Customer: id email firstName lastName
ShippingPriceGroup: shippingOption:ShippingOption
ShippingOption: id name uri
PaymentMethod: id uri plugin
Payment: id createdAt entryType status externalReference value:Money
Address: firstName lastName address1 address2 zipCode city country:Country
OrderTotals: quantity originalQuantity cancelledQuantity unexpeditedQuantity lineValues:Money handling:Money shipping:Money discounts:Money taxAdded:Money taxDeducted:Money taxIncluded:Money
OrderLine: id productNumber productName productBrand productVariantName size comment hasAnyDiscount quantity cancelledQuantity returnedQuantity discountPercent taxPercent unitOriginalPrice(includingTax):Money unitPrice(includingTax):Money lineValue(includingTax):Money product:Product productVariant:ProductVariant productSize:ProductSize allocations:[Allocation]
ProductOrderLine: =OrderLine
Allocation: id quantity isWaitingForConfirmation warehouse:Warehouse
StockChange: id createdAt comment type warehouse:Warehouse lines(limit,page):[StockChangeLine]
StockChangeLine: id deliveredQuantity productSize:ProductSize
";

/// Keys of the filters, and members of the sort orders.
pub(super) const INPUTS: &str = "
WarehouseFilter: id
ProductFilter: id status updatedAt
VariantFilter: id status productId updatedAt
SizeFilter: id SKU EAN UPC isActive updatedAt
StockFilter: productSizeId warehouseId physicalQuantity allocatedQuantity freeToAllocateQuantity
StockTotalsFilter: productSizeId warehouseId
OrderFilter: id number status storeType updatedAt createdAt orderDate isOnHold isLocked isWaitingForPayment externalId
ShipmentFilter: id orderId orderNumber isGoodToGo isShipped isPaid isCaptured createdAt updatedAt
ReturnFilter: id returnStatus orderId orderNumber shipmentId externalId createdAt
EventFilter: id objectType changeType
IdSort: id_ASC id_DESC
StockChangeFilter: id comment createdAt warehouseId
PaymentFilter: entryType
WarehouseSort: id_ASC id_DESC
ProductSort: id_ASC id_DESC updatedAt_ASC updatedAt_DESC
VariantSort: id_ASC id_DESC updatedAt_ASC updatedAt_DESC
SizeSort: id_ASC id_DESC productSizeSort_ASC
StockSort: warehouseId_ASC productId_ASC productVariantId_ASC productSizeSort_ASC
OrderSort: id_ASC id_DESC number_ASC number_DESC orderDate_ASC orderDate_DESC createdAt_ASC createdAt_DESC updatedAt_ASC updatedAt_DESC
StockChangeSort: id_ASC id_DESC
";

/// Other names under which a selection of a type may be asked for: the same thing, or another kind of it.
pub(super) const KINDS: &[(&str, &str, bool)] = &[
    ("Order", "DirectToConsumerOrder", true),
    ("Order", "WholesaleOrder", false),
    ("Shipment", "DirectToConsumerShipment", true),
    ("Return", "DirectToConsumerReturn", true),
    ("EventObject", "DirectToConsumerOrder", true),
    ("EventObject", "Order", true),
    ("EventObject", "DirectToConsumerShipment", true),
    ("EventObject", "Shipment", true),
    ("EventObject", "DirectToConsumerReturn", true),
    ("EventObject", "Return", true),
    ("EventObject", "StockChange", true),
    ("EventObject", "ProductSize", true),
    ("EventObject", "Product", true),
    ("EventObject", "ProductVariant", true),
    ("OrderLine", "ProductOrderLine", true),
    ("OrderLine", "BundleItemOrderLine", false),
];

/// The permission that a field needs.
pub(super) fn permission(kind: &str, field: &str) -> Option<&'static str> {
    Some(match (kind, field) {
        ("Query", "warehouses") | (_, "warehouse") => "Warehouse:read",
        ("Query", "products") | (_, "product") => "Product:read",
        (_, "variants" | "productVariants" | "productVariant") => "ProductVariant:read",
        (_, "productSizes" | "productSize") => "ProductSize:read",
        ("Warehouse", "stock") => "Warehouse.stock:read",
        ("ProductSize", "stock") => "ProductSize.stock:read",
        ("ProductSize", "stockTotals") => "ProductSize.stockTotals:read",
        (_, "brickAndMortar") => "BrickAndMortar:read",
        ("Query", "orders" | "orderConnection") => "Order:read",
        (_, "allocations") => "Allocation:read",
        (_, "shippingAddress") => "Order.shippingAddress:read",
        (_, "billingAddress") => "Order.billingAddress:read",
        (_, "paymentHistory") => "PaymentHistory:read",
        ("Mutation", "setStock" | "changeStock") => "StockChange:write",
        ("Query", "events") => "Event:read",
        ("Query", "stores") => "Store:read",
        ("Query", "markets") => "Market:read",
        ("Mutation", "confirmOrder" | "updateDirectToConsumerOrder" | "resumeDirectToConsumerOrder") => "Order:write",
        ("Mutation", "cancelDirectToConsumerOrder" | "allocateOrder") => "Order:write",
        ("Mutation", "setOrdersLock") => "Order.isLocked:write",
        ("Mutation", "createShipment" | "completeShipment" | "updateShipment" | "deleteShipment") => "Shipment:write",
        ("Mutation", "captureShipment" | "captureOrder") => "Shipment:write",
        ("Mutation", "createReturn" | "completeReturn" | "uncompleteReturn") => "Return:write",
        ("Mutation", "deleteReturn" | "refundReturn") => "Return:write",
        ("Mutation", "updateProduct" | "updateProductVariant" | "updateProductSize") => "Product:write",
        ("Mutation", "setEventListeners" | "unsetEventListeners" | "confirmEvents") => "Event:write",
        (_, "shipments" | "shipment") => "Shipment:read",
        (_, "returns" | "return") => "Return:read",
        (_, "stockChanges" | "stockChange") => "StockChange:read",
        _ => return None,
    })
}
