# A dozen drivers.
kmem create wdt 24; kmem alloc wdt 3
kmem create led 56; kmem alloc led 3
kmem create gpio 88; kmem alloc gpio 3
kmem create uart 104; kmem alloc uart 3
kmem create spi 136; kmem alloc spi 3
kmem create i2c 152; kmem alloc i2c 3
kmem create mtd 168; kmem alloc mtd 3
kmem create phy 200; kmem alloc phy 3
kmem create vlan 232; kmem alloc vlan 3
kmem create ppp 264; kmem alloc ppp 3
kmem create nat 312; kmem alloc nat 3
kmem create wlan 424; kmem alloc wlan 3
